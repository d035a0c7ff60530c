"""What a member takes along of her talks with models."""

from collections.abc import Iterable

from llmos.accounts.models import User
from llmos.accounts.taking import Part
from llmos.serving.exports import as_object
from llmos.serving.models import Conversation


def export(user: User) -> Iterable[Part]:
    for conversation in Conversation.objects.filter(user=user).order_by("created_at"):
        yield f"conversations/{conversation.pk}.json", as_object(conversation)
