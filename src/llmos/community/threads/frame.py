"""What pages with a conversation share: its posts as this viewer sees them, and list rows.

`{% include "threads/conversation.html" %}` shows what `conversation` gives; `thread_rows` of
`threads/rows.html` shows what `rows` gives.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.community.threads import additions, queries, views
from llmos.community.threads.access import Rights, edit_address, sees_post, thread_rights
from llmos.community.threads.additions import Control
from llmos.community.threads.addresses import page_address, page_of, post_address
from llmos.community.threads.models import Post, State, Tag, Thread
from llmos.community.threads.queries import Backlink, Backlinks, OwnMarks
from llmos.community.threads.rendering import filled
from llmos.community.threads.sql import Person
from llmos.hub.additions import Panel
from llmos.hub.door import viewer_of_page
from llmos.kit.errors import NotFound

NEAR = 2  # pages before and after the one that is shown, as links


@dataclass(frozen=True, slots=True)
class Shown:
    """A post as one viewer sees it. A gap has no text for her; a folded one opens on a click."""

    post: Post
    author: Person | None
    html: str = ""
    mine: frozenset[str] = frozenset()  # reactions of hers
    is_bookmarked: bool = False
    may_edit: bool = False
    is_own: bool = False
    is_gap: bool = False
    is_folded: bool = False
    is_first_unread: bool = False
    controls: list[Control] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    backlinks: list[Backlink] = field(default_factory=list)
    answered: "Shown | None" = None  # what it is an answer to, where that stands on the same page


@dataclass(frozen=True, slots=True)
class Conversation:
    """A page of a thread."""

    thread: Thread
    viewer: Viewer
    rights: Rights
    posts: list[Shown]
    page: int
    pages: int
    tags: list[Tag]
    watch: int
    last_read: int | None  # None: never opened by this viewer
    panels: list[Panel]
    backlinks: list[Backlink]
    draft: dict[str, Any]
    key: str
    lead: Shown | None = None  # the first post, where its place shows it by itself: an article

    @property
    def form(self) -> str:
        """The name under which a begun answer is kept."""
        return f"thread:{self.thread.pk}"

    @property
    def first_unread(self) -> int | None:
        """The number of the first post that she has not read, or None when there is none."""
        if self.last_read is None or self.last_read >= self.thread.last_number:
            return None
        return self.last_read + 1

    def at(self, number: int) -> str:
        return post_address(self.thread.address, number)

    def page_at(self, page: int) -> str:
        return page_address(self.thread.address, page)

    @property
    def near_pages(self) -> list[int]:
        """The numbers of the first, the last and the next pages; 0 stands for those between."""
        near = range(self.page - NEAR, self.page + NEAR + 1)
        shown = sorted({1, self.pages, *near} & set(range(1, self.pages + 1)))
        gaps = {after for before, after in pairwise(shown) if after - before > 1}
        return [one for page in shown for one in ((0, page) if page in gaps else (page,))]

    @property
    def previous(self) -> str:
        return self.page_at(self.page - 1) if self.page > 1 else ""

    @property
    def following(self) -> str:
        more = self.page < self.pages
        return self.page_at(self.page + 1) if more else ""


@dataclass(frozen=True, slots=True)
class Row:
    """A thread in a list."""

    thread: Thread
    tags: list[Tag]
    author: Person | None
    last_author: Person | None
    unread: int  # posts since she left off; 0 where she never was
    is_new: bool  # never opened by her

    @property
    def replies(self) -> int:
        return max(0, self.thread.posts_count - 1)

    @property
    def address(self) -> str:
        """Where she left off, else the beginning."""
        if self.unread:
            return post_address(self.thread.address, self.thread.last_number - self.unread + 1)
        return self.thread.address


def conversation(
    request: HttpRequest, thread: Thread, *, page: int | None = None, lead: bool = False
) -> dict[str, Any]:
    """What `threads/conversation.html` needs of a thread that the viewer sees.

    Without `page` it is the one that the address asks for. With `lead` the first post stands
    apart from the others, on every page. Raises NotFound past the end.
    """
    viewer = viewer_of_page(request)
    pages = page_of(thread.last_number)
    page = page or asked_page(request)
    if page > pages:
        raise NotFound(_("This conversation has no such page"))
    found = queries.posts_of_page(thread, page)
    if lead and page > 1:
        found = queries.posts_numbered(thread, [1]) + found
    rights = thread_rights(viewer, thread)
    user_id = viewer.user_id
    ids = [post.pk for post in found]
    own = OwnMarks() if user_id is None else queries.own_marks(user_id, thread.pk, ids)
    links = queries.backlinks_of(viewer, thread.pk, ids)
    shown = _shown(request, viewer, thread, found, rights, own, links)
    apart = shown[0] if lead and shown and shown[0].post.number == 1 else None
    views.count_view(thread.pk, viewer, request.META.get("REMOTE_ADDR", ""))
    return {
        "talk": Conversation(
            thread=thread,
            viewer=viewer,
            rights=rights,
            posts=[one for one in shown if one is not apart],
            lead=apart,
            page=page,
            pages=pages,
            tags=queries.tags_of([thread.pk]).get(thread.pk, []),
            watch=own.watch,
            last_read=own.last_read,
            panels=additions.thread_panels(request, thread),
            backlinks=links.of_thread,
            draft=queries.draft_of(user_id, f"thread:{thread.pk}"),
            key=new_key(),
        ),
    }


def rows(viewer: Viewer, threads: Sequence[Thread]) -> list[Row]:
    """Threads as a list shows them to this viewer, in their order."""
    ids = [thread.pk for thread in threads]
    tags = queries.tags_of(ids)
    people = queries.people_by_id(
        one for thread in threads for one in (thread.author_id, thread.last_author_id)
    )
    left_off = queries.last_read(viewer.user_id, ids) if viewer.user_id is not None else {}
    return [
        Row(
            thread=thread,
            tags=tags.get(thread.pk, []),
            author=people.get(thread.author_id or 0),
            last_author=people.get(thread.last_author_id or 0),
            unread=max(0, thread.last_number - left_off.get(thread.pk, thread.last_number)),
            is_new=viewer.user_id is not None and thread.pk not in left_off,
        )
        for thread in threads
    ]


def asked_page(request: HttpRequest) -> int:
    """The page number in an address, from 1; what is none counts as 1."""
    asked = request.GET.get("page", "1")
    return max(1, int(asked)) if asked.isdecimal() and len(asked) < 8 else 1


def new_key() -> str:
    """The hidden key of a form: sent twice, it writes once."""
    return secrets.token_urlsafe(12)


def _shown(
    request: HttpRequest,
    viewer: Viewer,
    thread: Thread,
    posts: list[Post],
    rights: Rights,
    marks: OwnMarks,
    links: Backlinks,
) -> list[Shown]:
    readable = [post for post in posts if post.state == State.VISIBLE or sees_post(viewer, post)]
    html = filled(readable, viewer)
    controls = additions.controls_of(viewer, thread, readable)
    panels = additions.panels_of(request, thread, readable)
    people = queries.people_by_id(post.author_id for post in posts)
    last = marks.last_read
    first_unread = next((p.number for p in readable if last is not None and p.number > last), None)
    shown: dict[int, Shown] = {}  # by post
    for post in posts:
        author = people.get(post.author_id or 0)
        if post.pk not in html:
            if post.state != State.PENDING:
                shown[post.pk] = Shown(post, author, is_gap=True)
            continue
        own = viewer.user_id is not None and post.author_id == viewer.user_id
        shown[post.pk] = Shown(
            post=post,
            author=author,
            html=html[post.pk],
            mine=frozenset(marks.reactions.get(post.pk, ())),
            is_bookmarked=post.pk in marks.bookmarks,
            may_edit=may_edit_here(post, own=own, rights=rights),
            is_own=own,
            is_folded=post.author_id in marks.away,
            is_first_unread=post.number == first_unread,
            controls=controls.get(post.pk, []),
            panels=panels.get(post.pk, []),
            backlinks=links.of_posts.get(post.pk, []),
            answered=shown.get(post.reply_to_id or 0),
        )
    return list(shown.values())


def may_edit_here(post: Post, *, own: bool, rights: Rights) -> bool:
    """As `actions.may_edit` has it, but for wiki posts, where the form itself asks for standing."""
    if post.deed or post.state == State.REMOVED:
        return False
    if edit_address(post) is not None:  # an article's own form is for those who wrote it
        return own
    return own or rights.moderate or (post.is_wiki and rights.reply)
