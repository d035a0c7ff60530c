"""What a member takes along of the forum, and what becomes of her votes when she leaves."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F

from llmos.accounts.models import User
from llmos.accounts.taking import Farewell, Part
from llmos.community.forum.models import Ballot, Choice, Poll


def export(user: User) -> Iterable[Part]:
    cast = Ballot.objects.filter(user=user).order_by("pk")
    yield (
        "votes.json",
        list(cast.values("poll__question", "poll__post__thread__address", "places", "at")),
    )


def forget(user: User, removes_text: bool) -> None:
    """Her votes leave polls that are open, or who comes back could vote twice.

    The result of a closed poll was told and stands: there her vote stays in the counts without
    her ballot, and the poll says that some who voted have left.
    """
    for ballot in Ballot.objects.filter(user=user):
        _take_back(ballot)


FAREWELL = Farewell(forget=forget)


@transaction.atomic
def _take_back(ballot: Ballot) -> None:
    poll = Poll.objects.select_for_update().get(pk=ballot.poll_id)
    gone, _rows = Ballot.objects.filter(pk=ballot.pk).delete()
    if gone and poll.is_open:
        counted = Choice.objects.filter(poll=poll, place__in=ballot.places, votes__gt=0)
        counted.update(votes=F("votes") - 1)
        Poll.objects.filter(pk=poll.pk, voters__gt=0).update(voters=F("voters") - 1)
