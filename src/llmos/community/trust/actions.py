"""Crediting contributions, counting deeds, and keeping others away."""

from django.db import transaction
from django.db.models import F

from llmos.community.trust.models import Credit, Standing

COUNTS = (
    "posts",
    "threads",
    "reactions_given",
    "reactions_received",
    "threads_read",
    "posts_read",
)


def count(user_id: int, **steps: int) -> None:
    """Add to a member's counts, inside the transaction of the deed that is counted."""
    assert set(steps) <= set(COUNTS), steps
    Standing.objects.get_or_create(pk=user_id)
    Standing.objects.filter(pk=user_id).update(
        **{name: F(name) + step for name, step in steps.items()}
    )


@transaction.atomic
def credit(*, user_id: int, kind: str, subject: str) -> bool:
    """Credit a contribution; whether it is new. The same one twice counts once."""
    _row, is_new = Credit.objects.get_or_create(user_id=user_id, kind=kind, subject=subject)
    if is_new:
        Standing.objects.get_or_create(pk=user_id)
        Standing.objects.filter(pk=user_id).update(credits=F("credits") + 1)
    return is_new
