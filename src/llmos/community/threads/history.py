"""A post's texts one after another, and what differs between each and the one before."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pygit2

from llmos.accounts.models import User
from llmos.community.threads.models import Post, Revision

LINES_SHOWN = 400  # of one difference


@dataclass(frozen=True, slots=True)
class Line:
    sign: str  # "+", "-", " " or "@" between stretches
    text: str


@dataclass(frozen=True, slots=True)
class Version:
    """One text: who saved it, when, why, and what it changed."""

    number: int  # 0 is the first
    author: User | None
    at: datetime
    note: str
    title: str  # of the thread, where this version gave it another
    lines: list[Line] = field(default_factory=list)
    is_cut: bool = False


def versions_of(post: Post) -> list[Version]:
    """All versions of a post, the newest first; the first text stands whole in its lines."""
    rows = list(
        Revision.objects.filter(post=post).select_related("author__namespace").order_by("number")
    )
    return list(_versions(post, rows))[::-1]


def _versions(post: Post, rows: list[Revision]) -> Iterator[Version]:
    """A revision holds the text before an edit, and who edited: so each gives half a version."""
    texts = [row.text for row in rows] + [post.text]
    titles = [row.title for row in rows] + [post.thread.title if post.number == 1 else ""]
    whole = [Line(" ", line) for line in texts[0].splitlines()]
    yield Version(0, post.author, post.created_at, "", titles[0], *_cut(whole))
    for number, row in enumerate(rows, start=1):
        title = titles[number] if titles[number] != titles[number - 1] else ""
        lines = _difference(texts[number - 1], texts[number])
        yield Version(number, row.author, row.at, row.note, title, *_cut(lines))


def _difference(before: str, after: str) -> list[Line]:
    # The patch reads from these bytes and does not keep them alive itself.
    old, new = f"{before}\n".encode(), f"{after}\n".encode()
    patch = pygit2.Patch.create_from(old, new)
    lines: list[Line] = []
    for hunk in patch.hunks:
        if lines:
            lines.append(Line("@", ""))
        lines += [Line(line.origin, line.content.rstrip("\n")) for line in hunk.lines]
    return [line for line in lines if line.sign in " +-@"]


def _cut(lines: list[Line]) -> tuple[list[Line], bool]:
    return lines[:LINES_SHOWN], len(lines) > LINES_SHOWN
