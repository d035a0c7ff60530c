"""Kinds of news, the ways they can reach a member, and which way each takes unless she chose."""

from django.db import models


class Kind(models.TextChoices):
    """Kinds about one post come first, the strongest reason on top: a post is told once."""

    MENTION = "mention"
    REPLY = "reply"
    QUOTE = "quote"
    QUESTION = "question"  # one that she may be able to answer
    POST = "post"  # in a thread that she watches
    THREAD = "thread"
    ARTICLE = "article"
    ACCEPTED = "accepted"
    POLL = "poll"
    REACTION = "reaction"
    FOLLOWER = "follower"
    VERSION = "version"
    CHANGE = "change"
    ACCESS = "access"
    JOB = "job"
    DECISION = "decision"
    REPORT = "report"
    INVITATION = "invitation"
    LEVEL = "level"


class Channel(models.TextChoices):
    APP = "app"
    MAIL = "mail"  # at once
    DIGEST = "digest"
    PUSH = "push"


# One of these per post and member, however many reasons there are.
OF_A_POST = (
    Kind.MENTION,
    Kind.REPLY,
    Kind.QUOTE,
    Kind.QUESTION,
    Kind.POST,
    Kind.THREAD,
    Kind.ARTICLE,
)

# The filters of the page, and of the digest its parts.
FAMILIES: dict[str, tuple[Kind, ...]] = {
    "answers": (Kind.MENTION, Kind.REPLY, Kind.QUOTE, Kind.ACCEPTED),
    "questions": (Kind.QUESTION,),
    "followed": (Kind.POST, Kind.THREAD, Kind.ARTICLE, Kind.VERSION, Kind.POLL),
    "people": (Kind.REACTION, Kind.FOLLOWER),
    "work": (Kind.CHANGE, Kind.ACCESS, Kind.JOB, Kind.INVITATION, Kind.LEVEL),
    "order": (Kind.DECISION, Kind.REPORT),
}

_APP, _MAIL, _DIGEST, _PUSH = Channel.APP, Channel.MAIL, Channel.DIGEST, Channel.PUSH

DEFAULTS: dict[str, frozenset[str]] = {
    Kind.MENTION: frozenset({_APP, _MAIL, _PUSH}),
    Kind.REPLY: frozenset({_APP, _MAIL, _PUSH}),
    Kind.QUOTE: frozenset({_APP, _MAIL}),
    Kind.QUESTION: frozenset({_APP, _DIGEST}),
    Kind.POST: frozenset({_APP, _DIGEST}),
    Kind.THREAD: frozenset({_APP, _DIGEST}),
    Kind.ARTICLE: frozenset({_APP, _DIGEST}),
    Kind.ACCEPTED: frozenset({_APP, _MAIL}),
    Kind.POLL: frozenset({_APP, _DIGEST}),
    Kind.REACTION: frozenset({_APP}),
    Kind.FOLLOWER: frozenset({_APP}),
    Kind.VERSION: frozenset({_APP, _DIGEST}),
    Kind.CHANGE: frozenset({_APP, _MAIL}),
    Kind.ACCESS: frozenset({_APP, _MAIL}),
    Kind.JOB: frozenset({_APP, _PUSH}),
    Kind.DECISION: frozenset({_APP, _MAIL}),
    Kind.REPORT: frozenset({_APP}),
    Kind.INVITATION: frozenset({_APP, _MAIL}),
    Kind.LEVEL: frozenset({_APP}),
}


def weaker_than(kind: str) -> list[str]:
    """Reasons to tell of a post that give way to this one."""
    if kind not in OF_A_POST:
        return []
    return list(OF_A_POST[OF_A_POST.index(Kind(kind)) + 1 :])
