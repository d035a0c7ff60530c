"""News in a member's words: what happened, about what, where to look. Lists and mails say it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from llmos.community.moderation.reasons import shown
from llmos.community.notifications.kinds import Channel, Kind
from llmos.community.notifications.models import Notification
from llmos.community.notifications.queries import Bundle
from llmos.community.threads.addresses import post_address
from llmos.community.threads.models import Post, State
from llmos.community.trust.levels import allowance_of
from llmos.community.trust.models import Level
from llmos.community.trust.words import level_word
from llmos.kit.text import plain_words

LONGEST_EXCERPT = 280  # characters of a post in a list
LONGEST_POST = 4000  # of one in a mail

ICONS = {
    Kind.MENTION: "person",
    Kind.REPLY: "reply",
    Kind.QUOTE: "quote",
    Kind.QUESTION: "question",
    Kind.POST: "chat",
    Kind.THREAD: "chat",
    Kind.ARTICLE: "book",
    Kind.ACCEPTED: "check",
    Kind.POLL: "list",
    Kind.REACTION: "heart",
    Kind.FOLLOWER: "people",
    Kind.VERSION: "commit",
    Kind.CHANGE: "change",
    Kind.ACCESS: "gate",
    Kind.JOB: "curve",
    Kind.DECISION: "shield",
    Kind.REPORT: "flag",
    Kind.INVITATION: "pen",
    Kind.LEVEL: "star",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of news. `title` and `excerpt` are somebody's text, each in its language."""

    ids: list[int]
    kind: str
    icon: str
    text: str
    title: str
    title_language: str
    excerpt: str
    language: str
    address: str  # on this hub, as machines spell it
    at: datetime
    actor: str  # a member's name, or empty


def line_of(bundle: Bundle, *, whole: bool = False) -> Line:
    """A bundle as it is shown; its rows are ones that the member may see.

    `whole`: what was written stands there as it was written, not only how it begins.
    """
    first = bundle.first
    post = first.post if first.kind != Kind.REACTION else None
    return Line(
        ids=bundle.ids,
        kind=first.kind,
        icon=ICONS[Kind(first.kind)],
        text=_SENTENCES[Kind(first.kind)](bundle),
        title=_title(first),
        title_language=_language(first),
        excerpt=_why(first) or (_said(post, whole=whole) if post else ""),
        language=first.post.language if first.post else _language(first),
        address=iri_to_uri(_address(bundle)),
        at=first.at,
        actor=first.actor.username if first.actor else "",
    )


def _why(first: Notification) -> str:
    """The reason that came with it, or what it brings, in the reader's language."""
    if first.kind == Kind.LEVEL:
        return _brings(Level(first.facts["level"]))
    reason = shown(str(first.facts.get("reason", ""))).replace("\n", " ")
    return reason[:LONGEST_POST]


def kind_titles() -> dict[str, str]:
    """What the settings call each kind."""
    return {
        Kind.MENTION: _("Somebody mentions you"),
        Kind.REPLY: _("Somebody answers you"),
        Kind.QUOTE: _("Somebody quotes you"),
        Kind.QUESTION: _("A question that you may be able to answer"),
        Kind.POST: _("A post in a conversation that you watch"),
        Kind.THREAD: _("A conversation in something you follow"),
        Kind.ARTICLE: _("An article by somebody you follow"),
        Kind.ACCEPTED: _("Your answer is accepted"),
        Kind.POLL: _("The result of a poll in which you voted, or in a topic you follow"),
        Kind.REACTION: _("Reactions to what you wrote"),
        Kind.FOLLOWER: _("Somebody follows you"),
        Kind.VERSION: _("A version of a repository that you follow"),
        Kind.CHANGE: _("Change requests on your repositories, and what becomes of yours"),
        Kind.ACCESS: _("Requests for access, and answers to yours"),
        Kind.JOB: _("Your jobs end"),
        Kind.DECISION: _("A moderator decides about what you wrote"),
        Kind.REPORT: _("What became of your reports"),
        Kind.INVITATION: _("Somebody wants to write with you"),
        Kind.LEVEL: _("You reach a level, and what it opens"),
    }


def channel_titles() -> dict[str, str]:
    return {
        Channel.APP: pgettext("way to be told", "Here"),
        Channel.MAIL: _("Mail at once"),
        Channel.DIGEST: pgettext("way to be told", "Digest"),
        Channel.PUSH: _("Push"),
    }


def family_titles() -> dict[str, str]:
    return {
        "answers": _("Answers and mentions"),
        "questions": _("Questions for you"),
        "followed": pgettext("news", "Followed"),
        "people": _("Reactions and followers"),
        "work": _("Your work"),
        "order": _("Decisions"),
    }


def _said(post: Post, *, whole: bool) -> str:
    if not whole:
        return plain_words(post.text, longest=LONGEST_EXCERPT)
    text = post.text.strip()
    return text if len(text) <= LONGEST_POST else text[:LONGEST_POST].rstrip() + " …"


def _title(row: Notification) -> str:
    if row.thread is not None and row.thread.title:
        return row.thread.title
    if row.facts.get("title"):
        return str(row.facts["title"])
    return row.repository.full_name if row.repository is not None else ""


def _language(row: Notification) -> str:
    return row.thread.language if row.thread is not None else ""


def _address(bundle: Bundle) -> str:
    """The oldest of several posts comes first: one reads on from there."""
    row = bundle.rows[-1] if bundle.first.kind == Kind.POST else bundle.first
    if row.address:
        return row.address
    if row.post is not None and row.thread is not None:
        return post_address(row.thread.address, row.post.number)
    return row.thread.address if row.thread is not None else "/notifications"


def _who(bundle: Bundle) -> str:
    """`Ada`, `Ada and Bob`, `Ada and 3 others`."""
    names = list(dict.fromkeys(row.actor.username for row in bundle.rows if row.actor is not None))
    if not names:
        return _("Somebody")
    others = max(bundle.people, len(names)) - 1
    if others == 0:
        return names[0]
    if others == 1 and len(names) > 1:
        return _("%(one)s and %(other)s") % {"one": names[0], "other": names[1]}
    return ngettext("%(one)s and %(n)d other", "%(one)s and %(n)d others", others) % {
        "one": names[0],
        "n": others,
    }


def _post(bundle: Bundle) -> str:
    count = len(bundle.ids)
    return ngettext(
        "%(who)s wrote in a conversation that you watch",
        "%(n)d new posts in a conversation that you watch",
        count,
    ) % {"who": _who(bundle), "n": count}


def _version(bundle: Bundle) -> str:
    ref = str(bundle.first.facts.get("ref", ""))
    if ref.startswith("refs/tags/"):
        return _("%(who)s tagged %(ref)s") % {
            "who": _who(bundle),
            "ref": ref.removeprefix("refs/tags/"),
        }
    return _("%(who)s pushed a new version") % {"who": _who(bundle)}


def _change(bundle: Bundle) -> str:
    texts = {
        "opened": _("%(who)s proposes a change"),
        "merged": _("%(who)s merged your change"),
        "closed": _("Your change request was closed"),
    }
    return texts[bundle.first.facts["status"]] % {"who": _who(bundle)}


def _access(bundle: Bundle) -> str:
    texts = {
        "pending": _("%(who)s asks for access"),
        "accepted": _("You were given access"),
        "rejected": _("Your request for access was declined"),
    }
    return texts[bundle.first.facts["status"]] % {"who": _who(bundle)}


def _job(bundle: Bundle) -> str:
    if bundle.first.facts.get("ok"):
        return _("Your job is done")
    return _("Your job ended with an error")


def _poll(bundle: Bundle) -> str:
    facts = bundle.first.facts
    leading, share = [str(one) for one in facts["leading"]], facts["share"]
    if not leading:
        return _("A poll is closed; nobody voted")
    if len(leading) > 1:
        texts = _("A poll is closed, with %(n)d choices in front, each %(share)d %%")
        return texts % {"n": len(leading), "share": share}
    return _("A poll is closed: “%(choice)s” has most votes, %(share)d %%") % {
        "choice": leading[0],
        "share": share,
    }


def _brings(level: Level) -> str:
    """What a level opens, as its table says it."""
    allowed = allowance_of(level)
    text = _(
        "A post of yours may hold %(links)d links, %(images)d pictures and %(mentions)d mentions, "
        "and you may write faster."
    ) % {"links": allowed.links, "images": allowed.images, "mentions": allowed.mentions}
    if level == Level.MEMBER:
        more = _("You may invent tags and edit wiki posts, and what you report weighs.")
        text = f"{text} {more}"
    return text


def _decision(bundle: Bundle) -> str:
    facts = bundle.first.facts
    texts = {
        State.VISIBLE: _("A moderator lets your post be read"),
        State.PENDING: _("Your post waits for a moderator"),
        State.HIDDEN: _("A moderator hid your post; mend it and it can come back"),
        State.REMOVED: _("A moderator removed your post"),
        "warn": _("A moderator warns you"),
        "silence": _("A moderator took the right to write away from you for a time"),
        "speak": _("You may write again"),
        "level": _("A moderator lowered your level"),
        "repository-hidden": _("A moderator hid your repository; its files are kept"),
        "repository-shown": _("Your repository is shown again"),
        "file": _("A file that you pushed could not be published as an article"),
    }
    return texts.get(facts.get("state", ""), _("A moderator decided about your account"))


_SENTENCES: dict[Kind, Callable[[Bundle], str]] = {
    Kind.MENTION: lambda b: _("%(who)s mentions you") % {"who": _who(b)},
    Kind.REPLY: lambda b: _("%(who)s answers you") % {"who": _who(b)},
    Kind.QUOTE: lambda b: _("%(who)s quotes you") % {"who": _who(b)},
    Kind.QUESTION: lambda b: _("Can you answer this question?"),
    Kind.POST: _post,
    Kind.THREAD: lambda b: _("%(who)s begins a conversation") % {"who": _who(b)},
    Kind.ARTICLE: lambda b: _("%(who)s publishes an article") % {"who": _who(b)},
    Kind.ACCEPTED: lambda b: _("%(who)s accepts your answer") % {"who": _who(b)},
    Kind.POLL: _poll,
    Kind.REACTION: lambda b: (
        ngettext(
            "%(who)s reacted to what you wrote",
            "%(who)s reacted to what you wrote",
            b.people,
        )
        % {"who": _who(b)}
    ),
    Kind.FOLLOWER: lambda b: (
        ngettext("%(who)s follows you", "%(who)s follow you", b.people) % {"who": _who(b)}
    ),
    Kind.VERSION: _version,
    Kind.CHANGE: _change,
    Kind.ACCESS: _access,
    Kind.JOB: _job,
    Kind.DECISION: _decision,
    Kind.REPORT: lambda b: _("Moderators decided about what you reported"),
    Kind.INVITATION: lambda b: (
        _("%(who)s invites you to write an article together") % {"who": _who(b)}
    ),
    Kind.LEVEL: lambda b: (
        _("You have reached the level “%(level)s”") % {"level": level_word(b.first.facts["level"])}
    ),
}
