"""Polls: a question with choices under a post; each member votes once, results after voting."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.community.forum.errors import PollIsClosed, VotedAlready
from llmos.community.forum.events import PollClosed
from llmos.community.forum.models import Ballot, Choice, Poll
from llmos.community.threads.access import post_for, writer
from llmos.community.threads.errors import PostNotFound
from llmos.community.threads.models import Post
from llmos.kit.errors import Invalid
from llmos.kit.text import cleaned
from llmos.kit.time import now
from llmos.store.events import announce

FEWEST, MOST = 2, 20  # choices
LONGEST_QUESTION, LONGEST_CHOICE = 200, 120


@dataclass(frozen=True, slots=True)
class Draft:
    """A poll as a form describes it, checked."""

    question: str
    choices: tuple[str, ...]
    is_multiple: bool = False
    closes_at: datetime | None = None


def poll_from(
    *, question: str, choices: str, is_multiple: bool, closes_at: datetime | None
) -> Draft | None:
    """A poll from a form's fields, choices one a line; None where nothing is filled in.

    Raises Invalid.
    """
    question = " ".join(cleaned(question).split())
    lines = [" ".join(line.split()) for line in cleaned(choices).splitlines()]
    said = tuple(dict.fromkeys(line for line in lines if line))
    if not question and not said:
        return None
    if not 0 < len(question) <= LONGEST_QUESTION:
        raise Invalid(_("A poll asks something, in at most %(n)d characters") % {"n": 200})
    if not FEWEST <= len(said) <= MOST:
        raise Invalid(
            _("A poll has %(few)d to %(many)d different choices, one a line")
            % {"few": FEWEST, "many": MOST}
        )
    if any(len(choice) > LONGEST_CHOICE for choice in said):
        raise Invalid(_("A choice has at most %(n)d characters") % {"n": LONGEST_CHOICE})
    if closes_at is not None and closes_at <= now():
        raise Invalid(_("A poll closes on a day to come"))
    return Draft(question, said, is_multiple, closes_at)


def add_poll(*, post: Post, draft: Draft) -> Poll:
    """In the transaction that writes the post."""
    poll = Poll.objects.create(
        post=post,
        question=draft.question,
        is_multiple=draft.is_multiple,
        closes_at=draft.closes_at,
    )
    Choice.objects.bulk_create(
        Choice(poll=poll, place=place, text=text) for place, text in enumerate(draft.choices)
    )
    return poll


def poll_for(viewer: Viewer, post_id: int) -> Poll:
    """The poll under a post that the viewer sees. Raises PostNotFound."""
    post = post_for(viewer, post_id)
    found = Poll.objects.filter(post=post).first()
    if found is None:
        raise PostNotFound
    found.post = post
    return found


def vote(viewer: Viewer, *, poll: Poll, places: list[int]) -> None:
    """Cast the member's one ballot. Raises PollIsClosed, VotedAlready, Invalid."""
    member = writer(viewer, "vote")
    chosen = sorted(set(places))
    if not chosen:
        raise Invalid(_("Choose something first"))
    if len(chosen) > 1 and not poll.is_multiple:
        raise Invalid(_("This poll takes one choice"))
    try:
        with transaction.atomic():
            poll = Poll.objects.select_for_update().get(pk=poll.pk)
            if not poll.is_open:
                raise PollIsClosed
            Ballot.objects.create(poll=poll, user_id=member, places=chosen)
            counted = Choice.objects.filter(poll=poll, place__in=chosen)
            if counted.update(votes=F("votes") + 1) != len(chosen):
                raise Invalid(_("This poll has no such choice"))
            Poll.objects.filter(pk=poll.pk).update(voters=F("voters") + 1)
    except IntegrityError:
        raise VotedAlready from None


@transaction.atomic
def tell_closed(poll_id: int) -> None:
    """Announce that a poll's day has passed, and what came out."""
    found = Poll.objects.filter(pk=poll_id).first()
    if found is None or found.is_open:
        return
    choices = list(Choice.objects.filter(poll=found).order_by("place"))
    most = max(choice.votes for choice in choices)
    announce(
        PollClosed(
            poll_id=poll_id,
            post_id=found.post_id,
            leading=[one.text for one in choices if 0 < one.votes == most],
            share=share_of(most, found),
            voters=list(found.ballots.order_by("user_id").values_list("user_id", flat=True)),
        )
    )


def share_of(votes: int, poll: Poll) -> int:
    """How many of a hundred who voted these votes are."""
    return round(100 * votes / max(1, poll.voters))
