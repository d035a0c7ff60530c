"""What a member takes along of her repositories, and what becomes of them when she leaves."""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from llmos.accounts.models import User
from llmos.accounts.taking import Farewell, Part
from llmos.hub.actions import delete_repository, unlike
from llmos.hub.models import AccessRequest, ChangeRequest, Like, Repository

NAMED = 20  # repositories that are named before they go; more are counted


def export(user: User) -> Iterable[Part]:
    own = Repository.objects.filter(namespace=user.namespace).order_by("type", "key")
    yield (
        "repositories.json",
        [
            {
                "type": one.type,
                "name": one.full_name,
                "visibility": one.visibility,
                "made": one.created_at,
                "description": one.description,
                "get_it": f"git clone <hub>/{one}",
            }
            for one in own
        ],
    )
    liked = Like.objects.filter(user=user).select_related("repository").order_by("pk")
    yield "likes.json", [{"repository": str(one.repository), "at": one.created_at} for one in liked]
    proposed = ChangeRequest.objects.filter(author=user).select_related("repository").order_by("pk")
    yield (
        "change_requests.json",
        [
            {
                "repository": str(one.repository),
                "number": one.number,
                "title": one.title,
                "status": one.status,
                "at": one.created_at,
            }
            for one in proposed
        ],
    )
    asked = AccessRequest.objects.filter(user=user).select_related("repository").order_by("pk")
    yield (
        "access_requests.json",
        [
            {"repository": str(one.repository), "status": one.status, "at": one.created_at}
            for one in asked
        ],
    )


def goes(user: User) -> list[str]:
    """Repositories of her own, by name: whoever wants to keep one gives it away first."""
    own = Repository.objects.filter(namespace=user.namespace).order_by("type", "key")
    lines = [
        _("the repository %(name)s with everything in it") % {"name": one} for one in own[:NAMED]
    ]
    more = own.count() - len(lines)
    if more > 0:
        lines.append(
            ngettext(
                "%(n)d more repository with everything in it",
                "%(n)d more repositories with everything in them",
                more,
            )
            % {"n": more}
        )
    return lines


def forget(user: User, removes_text: bool) -> None:
    for repository in Repository.objects.filter(namespace=user.namespace):
        delete_repository(repository=repository)
    for like in Like.objects.filter(user=user).select_related("repository"):
        unlike(repository=like.repository, user_id=user.pk)


FAREWELL = Farewell(forget=forget, goes=goes)
