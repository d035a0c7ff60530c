"""Following, short posts, and having seen the feed."""

from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.accounts.models import User
from llmos.community.social.access import Subject
from llmos.community.social.errors import NoteTooLong
from llmos.community.social.models import Visit
from llmos.community.social.queries import follows
from llmos.community.threads.access import writer
from llmos.community.threads.actions import Where, open_thread
from llmos.community.threads.deeds import set_watch
from llmos.community.threads.models import Thread, Watch
from llmos.community.threads.rendering import render
from llmos.community.threads.tags import MOST_TAGS
from llmos.community.trust.errors import KeptAway
from llmos.community.trust.queries import who_block
from llmos.kit.errors import Invalid
from llmos.kit.text import cleaned
from llmos.kit.time import now

LONGEST_NOTE = 500  # characters


def follow(viewer: Viewer, *, subject: Subject) -> None:
    """Be told of what is new there; following twice is following once.

    Raises Unauthenticated, Forbidden, Invalid, KeptAway.
    """
    user = writer(viewer, "follow")
    if subject.kind == Watch.Kind.MEMBER:
        if subject.target == str(user):
            raise Invalid(_("One sees one's own deeds anyway"))
        if who_block(user, [int(subject.target)]):
            raise KeptAway(_("This member does not want you to follow"))
    # Whoever watches every post there goes on doing so.
    if not follows(user, subject.kind, subject.target):
        set_watch(viewer, kind=subject.kind, target=subject.target, level=Watch.Level.FOLLOWING)


def unfollow(viewer: Viewer, *, subject: Subject) -> None:
    """Raises Unauthenticated, Forbidden."""
    if follows(writer(viewer, "follow"), subject.kind, subject.target):
        set_watch(viewer, kind=subject.kind, target=subject.target, level=Watch.Level.NORMAL)


def write_note(
    viewer: Viewer,
    *,
    text: str,
    tags: list[str] | None = None,
    language: str = "",
    key: str | None = None,
) -> Thread:
    """A short post. Sent again with the same key: the one that is there.

    Raises NoteTooLong, Invalid, Unauthenticated, Forbidden, NotTrustedYet, TooFast.
    """
    author = writer(viewer, "write")
    length = len(cleaned(text).replace("\r\n", "\n").strip())
    if length > LONGEST_NOTE:
        raise NoteTooLong(
            _("A note has at most %(n)d characters, this one %(is)d; write an article instead")
            % {"n": LONGEST_NOTE, "is": length}
        )
    shelf = User.objects.values_list("namespace_id", flat=True).get(pk=author)
    return open_thread(
        viewer,
        where=Where(Thread.Place.NOTE, shelf),
        title="",
        text=text,
        address="/notes/{id}",
        tags=_tags(tags or [], text),
        language=language,
        key=key,
    )


def _tags(chosen: list[str], text: str) -> list[str]:
    """The chosen ones, and of those that the text names as many as there is room for."""
    wanted = [word for word in chosen if word.strip()]
    named = [name for name in render(text).tags if name not in wanted]
    return wanted + named[: max(0, MOST_TAGS - len(wanted))]


def mark_seen(*, user_id: int) -> None:
    """Everything up to now counts as seen."""
    Visit.objects.update_or_create(pk=user_id, defaults={"seen_at": now()})
