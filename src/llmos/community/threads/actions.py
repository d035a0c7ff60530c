"""Opening threads and writing, editing and answering in them.

Each action is one transaction and ends with an announcement. A form's `key` makes a deed that
is sent twice one deed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.text import slugify
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.community.threads.access import (
    is_moderator,
    tells_itself,
    thread_rights,
    writer,
    wrote,
)
from llmos.community.threads.additions import reason_to_hold
from llmos.community.threads.deeds import mark_read, read_own, watch_own
from llmos.community.threads.errors import EditedMeanwhile, NotYours, PostNotFound, ThreadClosed
from llmos.community.threads.events import (
    PostChanged,
    PostHeld,
    PostWritten,
    Reacted,
    ThreadChanged,
    ThreadOpened,
)
from llmos.community.threads.holding import held
from llmos.community.threads.models import (
    TAKEN_BACK,
    Attachment,
    Post,
    Reaction,
    Reference,
    Revision,
    State,
    Thread,
    Watch,
)
from llmos.community.threads.rendering import NO_LINKS, VERSION, Rendered, render
from llmos.community.threads.tags import set_tags
from llmos.community.trust.actions import count
from llmos.community.trust.errors import KeptAway
from llmos.community.trust.limits import check_pace, check_words
from llmos.community.trust.queries import level_of, standing_of, who_block
from llmos.hub.models import Repository
from llmos.kit.errors import Invalid
from llmos.kit.text import cleaned, language_of
from llmos.kit.time import now
from llmos.store.events import announce
from llmos.store.markup import LinkBase

LONGEST_TITLE = 200
LONGEST_TEXT = 100_000  # characters of one post
LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True)
class Where:
    """The place in which a thread is opened, as its room knows it."""

    place: Thread.Place
    shelf: int
    repository: Repository | None = None
    namespace: Namespace | None = None


def open_thread(
    viewer: Viewer,
    *,
    where: Where,
    title: str,
    text: str,
    address: str,
    tags: list[str] | None = None,
    language: str = "",
    key: str | None = None,
    state: str = State.VISIBLE,
    is_draft: bool = False,
    publish_at: datetime | None = None,
    links: LinkBase = NO_LINKS,
) -> Thread:
    """A thread with its first post. `address` may hold `{id}`, and `{slug}` of the title.

    A draft is seen by its authors alone; without `publish_at` it is published at once.

    Sent again with the same key it returns the thread that is there. Raises Invalid,
    Unauthenticated, Forbidden, NotTrustedYet, TooFast.
    """
    author = writer(viewer, "write")
    title, text = _title(title, where.place), _text(text)
    again = _written_with(author, key)
    if again is not None:
        return again.thread
    rendered, reason = looked_over(viewer, where, text, kind="thread", links=links)
    try:
        return begin_thread(
            where=where,
            author_id=author,
            title=title,
            text=text,
            rendered=rendered,
            address=address,
            tags=tags or [],
            language=language,
            key=key,
            state=State.PENDING if reason else state,
            reason=reason,
            published_at=None if is_draft else publish_at or now(),
        )
    except IntegrityError:
        return _sent_twice(author, key).thread


@transaction.atomic
def begin_thread(
    *,
    where: Where,
    author_id: int,
    title: str,
    text: str,
    rendered: Rendered,
    address: str,
    tags: list[str],
    language: str = "",
    key: str | None = None,
    state: str = State.VISIBLE,
    reason: str = "",
    published_at: datetime | None,
) -> Thread:
    """The thread itself, once its words are checked; those of a change request may be none."""
    thread = Thread.objects.create(
        place=where.place,
        shelf=where.shelf,
        title=title,
        language=language or language_of(f"{title} {text}"),
        author_id=author_id,
        repository=where.repository,
        namespace=where.namespace,
        state=state,
        state_reason=reason,
        published_at=published_at,
        last_author_id=author_id,
    )
    thread.address = address.format(id=thread.pk, slug=slug_of(title))
    thread.save(update_fields=["address"])
    set_tags(thread, tags)
    post = _add(
        thread,
        author_id,
        text,
        rendered,
        language=thread.language,
        key=key,
        state=state,
        state_reason=reason,
    )
    watch_own(user_id=author_id, thread=thread, level=Watch.Level.WATCHING)
    mark_read(user_id=author_id, thread=thread, number=post.number)
    count(author_id, threads=1, posts=1)
    if published_at is not None and published_at <= now():
        tell_opened(thread, post)
    return thread


def tell_opened(thread: Thread, post: Post) -> None:
    """Announce a thread that others can read now. Call it in the transaction that made it so."""
    if thread.state == State.VISIBLE:
        announce(ThreadOpened(thread_id=thread.pk))
        announce(PostWritten(post_id=post.pk))


def write_post(
    viewer: Viewer,
    *,
    thread: Thread,
    text: str,
    reply_to: Post | None = None,
    language: str = "",
    key: str | None = None,
    state: str = State.VISIBLE,
) -> Post:
    """Answer a thread that the viewer sees. Sent again with the same key: the post that is there.

    Raises ThreadClosed, Invalid, Unauthenticated, Forbidden, NotTrustedYet, TooFast, KeptAway.
    """
    author = writer(viewer, "write")
    text = _text(text)
    again = _written_with(author, key)
    if again is not None:
        return again
    if reply_to is not None and reply_to.thread_id != thread.pk:
        raise PostNotFound
    if reply_to is not None and reply_to.author_id in who_block(author, _ids(reply_to.author_id)):
        raise KeptAway(_("This member does not take answers from you"))
    rendered, reason = looked_over(viewer, thread, text, kind="post")
    try:
        with transaction.atomic():
            # The lock makes "close, then post" and "post, then close" the only two outcomes.
            thread = Thread.objects.select_for_update().get(pk=thread.pk)
            if not thread_rights(viewer, thread).reply:
                raise ThreadClosed(thread.title)
            post = _add(
                thread,
                author,
                text,
                rendered,
                language=language or language_of(text),
                key=key,
                state=State.PENDING if reason else state,
                state_reason=reason,
                reply_to=reply_to,
            )
            watch_own(user_id=author, thread=thread, level=Watch.Level.TRACKING)
            mark_read(user_id=author, thread=thread, number=post.number)
            count(author, posts=1)
            if post.state == State.VISIBLE:
                announce(PostWritten(post_id=post.pk))
    except IntegrityError:
        return _sent_twice(author, key)
    return post


def looked_over(
    viewer: Viewer, where: Where | Thread, text: str, *, kind: str, links: LinkBase = NO_LINKS
) -> tuple[Rendered, str]:
    """A text of a member as it will stand, and why a moderator has to look at it first, or "".

    Raises NotTrustedYet, TooFast, Silenced, KeptAway.
    """
    rendered = _checked(viewer, text, kind=kind, links=links)
    return rendered, reason_to_hold(viewer, where, text, rendered) or ""


def note_deed(*, thread: Thread, author_id: int | None, deed: str, text: str = "") -> Post:
    """A line in the thread that says what somebody did to it: closed, moved … In a transaction."""
    rendered = render(text) if text else Rendered(html="")
    post = _add(thread, author_id, text, rendered, language=thread.language, deed=deed, bumps=False)
    if author_id is not None:
        read_own(user_id=author_id, thread=thread, number=post.number)
    return post


def edit_post(
    viewer: Viewer,
    *,
    post: Post,
    text: str,
    seen_edits: int,
    note: str = "",
    title: str = "",
    tags: list[str] | None = None,
    language: str = "",
    links: LinkBase = NO_LINKS,
) -> Post:
    """Replace a post's text, of a first one the title and tags too; the old text stays.

    `seen_edits` is how often it had been edited when the form was opened. Raises NotYours,
    EditedMeanwhile (another text was saved first), Invalid.
    """
    editor = writer(viewer, "edit")
    text = _text(text)
    if not may_edit(viewer, post):
        raise NotYours
    rendered = _checked(viewer, text, kind="edit", links=links)
    with transaction.atomic():
        post = held(post.pk)
        if post.edits > seen_edits and post.text == text and title in {"", post.thread.title}:
            return post  # the same form came twice
        if post.edits != seen_edits:
            raise EditedMeanwhile(
                _("Somebody saved another text in the meantime; look at both, then save again"),
                data={"text": post.text, "edits": post.edits},
            )
        thread = post.thread
        old_title = thread.title if post.number == 1 else ""
        Revision.objects.create(
            post=post,
            number=post.edits,
            title=old_title,
            text=post.text,
            author_id=editor,
            note=cleaned(note)[:LONGEST_NOTE],
            at=now(),
        )
        post.text, post.html, post.renderer = text, rendered.html, VERSION
        post.edits, post.edited_at = post.edits + 1, now()
        post.language = language or post.language
        post.save(update_fields=["text", "html", "renderer", "edits", "edited_at", "language"])
        _refer(post, rendered)
        if post.number == 1:
            _rename(thread, title, tags)
        announce(PostChanged(post_id=post.pk))
    return post


def _rename(thread: Thread, title: str, tags: list[str] | None) -> None:
    """Give a thread another title and other tags, where some are told."""
    changed = tags is not None and set_tags(thread, tags)
    if title and title != thread.title:
        thread.title = _title(title, Thread.Place(thread.place))
        thread.save(update_fields=["title"])
        changed = True
    if changed:
        announce(ThreadChanged(thread_id=thread.pk))


def may_edit(viewer: Viewer, post: Post) -> bool:
    """Its authors, moderators, and for wiki posts members of some standing."""
    if viewer.user_id is None or post.deed or post.state == State.REMOVED:
        return False
    is_own = post.author_id == viewer.user_id or (post.number == 1 and wrote(viewer, post.thread))
    if is_own or is_moderator(viewer, post.thread):
        return True
    return post.is_wiki and level_of(viewer.user_id) >= 1


@transaction.atomic
def set_post_state(*, post: Post, state: str, reason: str) -> Post:
    """Show, hold back or take away a post and keep its thread's counts right.

    Who may, and the record of who did, is moderation's to know. The state of a first post is
    that of its thread.
    """
    # Said of a decision, these words would let the author undo it.
    return _set_state(post, state, f"{reason}." if reason == TAKEN_BACK else reason)


def _set_state(post: Post, state: str, reason: str) -> Post:
    post = held(post.pk)
    was, thread = post.state, post.thread
    post.state, post.state_reason = state, reason
    post.save(update_fields=["state", "state_reason"])
    step = (state == State.VISIBLE) - (was == State.VISIBLE)
    Thread.objects.filter(pk=thread.pk).update(posts_count=F("posts_count") + step)
    if post.number == 1:
        Thread.objects.filter(pk=thread.pk).update(state=state, state_reason=reason)
        announce(ThreadChanged(thread_id=thread.pk))
    if was != State.PENDING and state == State.PENDING:
        announce(PostHeld(post_id=post.pk))
    if was == State.PENDING and state == State.VISIBLE:
        _tell_approved(thread, post)
    announce(PostChanged(post_id=post.pk))
    return post


def _tell_approved(thread: Thread, post: Post) -> None:
    """Announce what was held back and can be read now."""
    if thread.published_at is None or thread.published_at > now():
        return
    if post.number > 1:
        announce(PostWritten(post_id=post.pk))
    elif not tells_itself(thread):
        announce(ThreadOpened(thread_id=thread.pk))
        announce(PostWritten(post_id=post.pk))


def may_take_back(viewer: Viewer, post: Post) -> bool:
    """Whoever wrote it, as long as a topic or note stands alone; others' answers keep theirs."""
    is_own = viewer.user_id is not None and post.author_id == viewer.user_id
    if not is_own or post.deed or post.state != State.VISIBLE:
        return False
    alone = post.thread.place in (Thread.Place.TOPIC, Thread.Place.NOTE)
    return post.number > 1 or (alone and post.thread.posts_count <= 1)


@transaction.atomic
def set_taken_back(viewer: Viewer, *, post: Post, back: bool) -> Post:
    """Withdraw a post of one's own, or show it again; a gap stays. Twice is once.

    Raises NotYours, Invalid where others have answered, Unauthenticated.
    """
    writer(viewer, "take back")
    post = held(post.pk)
    if post.author_id != viewer.user_id:
        raise NotYours
    if post.is_taken_back == back:
        return post
    if not back:
        return set_post_state(post=post, state=State.VISIBLE, reason="")
    if not may_take_back(viewer, post):
        raise Invalid(_("This cannot be taken back; edit it, or ask a moderator"))
    return _set_state(post, State.REMOVED, TAKEN_BACK)


@transaction.atomic
def set_closed(*, thread: Thread, user_id: int, closed: bool) -> None:
    """End a thread, or let it go on; the thread shows who did it. Twice is once."""
    thread = Thread.objects.select_for_update().get(pk=thread.pk)
    if (thread.closed_at is not None) == closed:
        return
    thread.closed_at = now() if closed else None
    thread.save(update_fields=["closed_at"])
    note_deed(thread=thread, author_id=user_id, deed="closed" if closed else "reopened")
    announce(ThreadChanged(thread_id=thread.pk))


@transaction.atomic
def set_pinned(*, thread: Thread, user_id: int, pinned: bool) -> None:
    """Put a thread above its list, or back into it; the thread shows who did. Twice is once."""
    thread = Thread.objects.select_for_update().get(pk=thread.pk)
    if thread.is_pinned == pinned:
        return
    thread.is_pinned = pinned
    thread.save(update_fields=["is_pinned"])
    note_deed(thread=thread, author_id=user_id, deed="pinned" if pinned else "unpinned")
    announce(ThreadChanged(thread_id=thread.pk))


def set_wiki(*, post: Post, is_wiki: bool) -> None:
    """Let members of some standing edit a post too, or no longer."""
    Post.objects.filter(pk=post.pk).update(is_wiki=is_wiki)


def react(viewer: Viewer, *, post: Post, name: str, on: bool) -> None:
    """Set or take back a reaction. Raises Invalid, KeptAway, Unauthenticated."""
    user = writer(viewer, "react")
    if name not in Reaction.Name.values:
        raise Invalid(_("There is no reaction %(name)r") % {"name": name[:20]})
    if post.author_id in who_block(user, _ids(post.author_id)):
        raise KeptAway(_("This member does not take reactions from you"))
    if on:
        check_pace(standing_of(user), kind="reaction")
    with transaction.atomic():
        post = held(post.pk)
        if on and post.state == State.REMOVED:
            raise PostNotFound
        row = Reaction.objects.filter(post=post, user_id=user, name=name)
        if on == row.exists():
            return
        if on:
            Reaction.objects.create(post=post, user_id=user, name=name)
        else:
            row.delete()
        step = 1 if on else -1
        post.reactions = _counted(post.reactions, name, step)
        post.save(update_fields=["reactions"])
        Thread.objects.filter(pk=post.thread_id).update(reactions_count=F("reactions_count") + step)
        if on:
            _count_reaction(user, post.author_id)
            announce(Reacted(post_id=post.pk, user_id=user, name=name))


def _count_reaction(user: int, author: int | None) -> None:
    counted = {user: "reactions_given"}
    if author is not None and author != user:
        counted[author] = "reactions_received"
    for member in sorted(counted):
        count(member, **{counted[member]: 1})


def slug_of(title: str) -> str:
    """The words of a title as an address spells them; Chinese ones stay Chinese."""
    return slugify(title, allow_unicode=True)[:80].strip("-") or "-"


def _counted(counts: dict[str, int], name: str, step: int) -> dict[str, int]:
    after = {**counts, name: counts.get(name, 0) + step}
    return {key: value for key, value in after.items() if value > 0}


def _add(
    thread: Thread,
    author_id: int | None,
    text: str,
    rendered: Rendered,
    *,
    language: str,
    bumps: bool = True,
    **more: Any,
) -> Post:
    """The next post of a thread whose row this transaction holds."""
    number = thread.last_number + 1
    post = Post.objects.create(
        thread=thread,
        number=number,
        author_id=author_id,
        text=text,
        html=rendered.html,
        renderer=VERSION,
        language=language,
        **more,
    )
    thread.last_number = number
    if post.state == State.VISIBLE and bumps:
        thread.posts_count += 1
        thread.bumped_at, thread.last_author_id = post.created_at, author_id
    thread.save(update_fields=["last_number", "posts_count", "bumped_at", "last_author"])
    _refer(post, rendered)
    if post.state == State.PENDING:
        announce(PostHeld(post_id=post.pk))
    return post


def _refer(post: Post, rendered: Rendered) -> None:
    """Make the rows of references and attachments those of the text."""
    Reference.objects.filter(post=post).delete()
    Reference.objects.bulk_create(
        Reference(post=post, kind=kind, target=target) for kind, target in rendered.references
    )
    if rendered.attachments and post.author_id is not None:
        Attachment.objects.filter(
            pk__in=rendered.attachments, user_id=post.author_id, post=None
        ).update(post=post)


def _checked(viewer: Viewer, text: str, *, kind: str, links: LinkBase = NO_LINKS) -> Rendered:
    """The rendered text, if it is within what its author's level allows."""
    assert viewer.user_id is not None
    standing = standing_of(viewer.user_id)
    rendered = render(text, links)
    if not viewer.is_admin:
        check_pace(standing, kind=kind)
        check_words(
            standing, links=rendered.links, images=rendered.images, mentions=rendered.mentions
        )
    return rendered


def _written_with(author_id: int, key: str | None) -> Post | None:
    if not key:
        return None
    return Post.objects.select_related("thread").filter(author_id=author_id, key=key).first()


def _sent_twice(author_id: int, key: str | None) -> Post:
    """The post of the same form that was quicker; any other breach is a fault of ours."""
    first = _written_with(author_id, key)
    if first is None:
        raise  # noqa: PLE0704 - within the handler of the breach
    return first


def _title(title: str, place: Thread.Place) -> str:
    title = " ".join(cleaned(title).split())
    if place == Thread.Place.NOTE:
        return ""
    if not 0 < len(title) <= LONGEST_TITLE:
        raise Invalid(_("A title has 1 to %(n)d characters") % {"n": LONGEST_TITLE})
    return title


def _text(text: str) -> str:
    text = cleaned(text).replace("\r\n", "\n").strip()
    if not text:
        raise Invalid(_("There is nothing written yet"))
    if len(text) > LONGEST_TEXT:
        raise Invalid(
            _("A post has at most %(n)d characters, this one %(is)d; attach long texts as files")
            % {"n": LONGEST_TEXT, "is": len(text)}
        )
    return text


def _ids(user_id: int | None) -> list[int]:
    return [] if user_id is None else [user_id]
