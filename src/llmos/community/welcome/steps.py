"""Checklists as data: each step is checked off by doing it, never by saying so.

A step's `was_done` looks at rows of the rooms to the left and answers for one member.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from llmos.accounts.models import Namespace, Token, User
from llmos.community.threads.models import Post, Reading, State, Thread, Watch
from llmos.community.trust.models import Credit
from llmos.hub.models import ChangeRequest, Like, Repository

Deed = Callable[[User], bool]


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, where, and how the house knows that it was done."""

    name: str
    title: object  # translated when shown
    hint: object
    address: str  # `{me}` is the member's name
    was_done: Deed


@dataclass(frozen=True, slots=True)
class Checklist:
    name: str
    title: object
    about: object
    steps: tuple[Step, ...]


def _told_of_herself(user: User) -> bool:
    return Namespace.objects.filter(~(Q(full_name="") & Q(bio="")), user=user).exists()


def _follows(user: User) -> bool:
    return Watch.objects.filter(user=user, level__gte=Watch.Level.FOLLOWING).exists()


def _read(user: User) -> bool:
    return Reading.objects.filter(user=user).exists()


def _wrote(user: User) -> bool:
    return Post.objects.filter(author=user, deed="").exists()


def _asked(user: User) -> bool:
    return Thread.objects.filter(author=user, place=Thread.Place.TOPIC).exists()


def _answered(user: User) -> bool:
    shown = Post.objects.filter(author=user, deed="", number__gt=1, state=State.VISIBLE)
    return shown.exclude(thread__author=user).exists()


def _has_token(user: User) -> bool:
    return Token.objects.filter(user=user).exists()


def _has_carded(type_: str) -> Deed:
    def was_done(user: User) -> bool:
        made = Repository.objects.filter(created_by=user, type=type_)
        return made.exclude(description="").exists()

    return was_done


def _has(type_: str) -> Deed:
    return lambda user: Repository.objects.filter(created_by=user, type=type_).exists()


def _proposed(user: User) -> bool:
    return ChangeRequest.objects.filter(author=user).exists()


def _was_merged(user: User) -> bool:
    return ChangeRequest.objects.filter(author=user, status=ChangeRequest.Status.MERGED).exists()


def _has_licence(user: User) -> bool:
    made = Repository.objects.filter(created_by=user, type="dataset")
    return made.filter(tag_rows__tag__startswith="license:").exists()


def _likes(user: User) -> bool:
    return Like.objects.filter(user=user).exists()


def _is_credited(kind: str) -> Deed:
    return lambda user: Credit.objects.filter(user=user, kind=kind).exists()


CHECKLISTS = (
    Checklist(
        "join",
        _("Join"),
        _("Become somebody whom others know here. About ten minutes."),
        (
            Step(
                "profile",
                _("Say who you are"),
                _("A name and a sentence on your profile: people answer people."),
                "/settings/profile",
                _told_of_herself,
            ),
            Step(
                "like",
                _("Like something"),
                _("Open a model or a data set and press the heart; its makers see it."),
                "/models",
                _likes,
            ),
            Step(
                "follow",
                _("Follow somebody or something"),
                _("Members, organisations, repositories, tags: your feed comes from them."),
                "/feed",
                _follows,
            ),
            Step(
                "hello",
                _("Write your first post"),
                _("Say hello, or answer something you know about."),
                "/forum",
                _wrote,
            ),
        ),
    ),
    Checklist(
        "data",
        _("Contribute data"),
        _("From a file on your disk to a data set that others can build on."),
        (
            Step(
                "data-repository",
                _("Make a data set"),
                _("A name and a place; a folder with CSV, JSON lines or Parquet files is one."),
                "/new-dataset",
                _has("dataset"),
            ),
            Step(
                "data-card",
                _("Describe it"),
                _("Where the rows come from, what is in them, who may be hurt by them."),
                "/{me}",
                _has_carded("dataset"),
            ),
            Step(
                "data-licence",
                _("Say what others may do with it"),
                _("A licence in the card's front matter; without one nobody may use it."),
                "/{me}",
                _has_licence,
            ),
            Step(
                "data-better",
                _("Make somebody else's data better"),
                _("Open a change request: a wrong label, a missing row, a clearer card."),
                "/datasets",
                _proposed,
            ),
        ),
    ),
    Checklist(
        "code",
        _("Contribute code and models"),
        _("From a first task with a mentor to a merged change."),
        (
            Step(
                "token",
                _("Make an access token"),
                _("git, hf and Python sign in with it."),
                "/settings/tokens",
                _has_token,
            ),
            Step(
                "propose",
                _("Propose a change"),
                _(
                    "Take a first task, or edit any file: without the right to write it becomes "
                    "a change request."
                ),
                "/first-tasks",
                _proposed,
            ),
            Step(
                "merged",
                _("See it merged"),
                _("The owners look at it and may ask for more; answer them there."),
                "/notifications",
                _was_merged,
            ),
            Step(
                "model-card",
                _("Push a model with a card"),
                _("The tour does it in the browser in five minutes."),
                "/tour",
                _has_carded("model"),
            ),
        ),
    ),
    Checklist(
        "help",
        _("Get help, and give it"),
        _("Where to look, how to ask so that you are answered, how to say thanks."),
        (
            Step(
                "read",
                _("Look whether it was asked before"),
                _("Search finds words of both languages, also in answers."),
                "/search",
                _read,
            ),
            Step(
                "ask",
                _("Ask a question"),
                _("What you did, what you expected, what happened. Members who know are told."),
                "/forum/new",
                _asked,
            ),
            Step(
                "answer",
                _("Answer somebody"),
                _("Unanswered questions wait in both languages."),
                "/forum/unanswered",
                _answered,
            ),
            Step(
                "accepted",
                _("Have an answer accepted"),
                _("Whoever asked marks the answer that helped; it counts on your profile."),
                "/forum/unanswered",
                _is_credited("answer"),
            ),
        ),
    ),
)
STEPS = {step.name: step for checklist in CHECKLISTS for step in checklist.steps}
