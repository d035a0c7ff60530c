"""Reading standings and distances."""

from collections.abc import Collection

from llmos.community.trust.models import Distance, Level, Standing
from llmos.store.db import instances, row


def standing_of(user_id: int) -> Standing:
    """A member's standing; one that was never written is that of somebody new."""
    found = instances(Standing, "WHERE m.user_id = %s", (user_id,))
    return found[0] if found else Standing(user_id=user_id)


def level_of(user_id: int) -> int:
    """A member's level alone: one point read, since every page of a thread asks."""
    found = row(f"SELECT level FROM {Standing._meta.db_table} WHERE user_id = %s", (user_id,))
    return int(found[0]) if found else Level.NEW


def kept_away_by(user_id: int, *degrees: Distance.Degree) -> set[int]:
    """Members whom this one keeps away in one of these degrees."""
    found = Distance.objects.filter(user_id=user_id, degree__in=degrees)
    return set(found.values_list("other_id", flat=True))


def degree_between(user_id: int, other_id: int) -> str:
    """How far this member keeps another away; empty when not at all."""
    found = Distance.objects.filter(user_id=user_id, other_id=other_id).values_list("degree")
    return str(found[0][0]) if found else ""


def distances_of(user_id: int) -> list[Distance]:
    """Whom a member keeps away, by name."""
    return list(
        Distance.objects.filter(user_id=user_id)
        .select_related("other__namespace")
        .order_by("other__namespace__key")
    )


def who_block(user_id: int, among: Collection[int]) -> set[int]:
    """Those of some members who block this one."""
    found = Distance.objects.filter(
        other_id=user_id, user_id__in=among, degree=Distance.Degree.BLOCK
    )
    return set(found.values_list("user_id", flat=True))
