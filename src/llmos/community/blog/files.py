"""Articles as files of a repository: which files they are, and what their front matter says.

Every `.md` file that lies in `articles/` itself and begins with front matter is one; `EXAMPLE`
says all that it may say. Only text in and plain values out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import PurePosixPath
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from llmos.community.blog.errors import BadArticle
from llmos.community.blog.words import Words
from llmos.hub.facts.cards import read_card

FOLDER = "articles"
MOST_FILES = 200  # more is somebody's data and no blog
LONGEST_FILE = 2**20  # bytes
EXAMPLE = """---
title: How we measured
slug: how-we-measured            # else the file's name
tags: [evaluation, translation]
language: en                     # else as the text reads
summary: One sentence for lists.
cover: figures/cover.png         # beside the file; with a leading slash from the top
cover_text: Two curves that cross.
series: {title: Measuring, part: 2}
authors: [ada, bob]              # members; those who did not push are asked
publish_at: 2026-12-01 09:00     # else at once
draft: false
canonical: https://example.org/first
translates: how-we-measured-zh   # the same article in another language
---
"""
_KNOWN = frozenset(
    "title slug tags language summary cover cover_text series authors publish_at draft canonical "
    "translates".split()
)


@dataclass(frozen=True, slots=True)
class Written:
    """What a file says."""

    words: Words
    authors: tuple[str, ...]
    publish_at: datetime | None
    is_draft: bool


def is_article(path: str) -> bool:
    found = PurePosixPath(path)
    return str(found.parent) == FOLDER and found.suffix == ".md" and found.stem != "README"


def read_article(content: bytes, path: str, address: Callable[[str], str]) -> Written | None:
    """The article in a file, or None where the file has no front matter.

    `address` gives that of a picture beside the file. Raises BadArticle.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadArticle(_("The file is not UTF-8 text")) from None
    if not text.startswith("---"):
        return None
    card = read_card(text)
    if card.errors:
        problem = card.errors[0]
        raise BadArticle(_("Line %(n)d: %(what)s") % {"n": problem.line, "what": problem.message})
    return _Front(card.front).read(path, card.text, address)


class _Front:
    """Front matter, value by value; whatever has another shape than it should is refused."""

    def __init__(self, front: dict[str, Any]) -> None:
        self._front = front

    def read(self, path: str, text: str, address: Callable[[str], str]) -> Written:
        unknown = self._front.keys() - _KNOWN
        if unknown:
            raise BadArticle(
                _("Nobody here knows “%(name)s”; an article may say: %(known)s")
                % {"name": min(unknown)[:60], "known": ", ".join(sorted(_KNOWN))}
            )
        cover = self._text("cover")
        series, part = self._series()
        words = Words(
            title=self._text("title", needed=True),
            text=text,
            slug=self._text("slug") or PurePosixPath(path).stem,
            summary=self._text("summary"),
            tags=self._list("tags"),
            language=self._text("language"),
            cover=address(cover) if cover else "",
            cover_text=self._text("cover_text"),
            canonical=self._text("canonical"),
            series=series,
            part=part,
            translates=self._text("translates"),
        )
        return Written(words, self._list("authors"), self._moment(), self._draft())

    def _text(self, name: str, *, needed: bool = False) -> str:
        value = self._front.get(name)
        if value is None and not needed:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
            raise BadArticle(_("“%(name)s” wants a text") % {"name": name})
        return str(value).strip()

    def _list(self, name: str) -> tuple[str, ...]:
        value = self._front.get(name)
        if value is None:
            return ()
        if isinstance(value, str):
            value = value.split(",")
        if not isinstance(value, list) or not all(isinstance(one, str | int) for one in value):
            raise BadArticle(_("“%(name)s” wants a list: [one, two]") % {"name": name})
        return tuple(str(one).strip() for one in value if str(one).strip())

    def _series(self) -> tuple[str, int]:
        value = self._front.get("series")
        if not isinstance(value, dict):
            return self._text("series"), 0
        title, part = value.get("title"), value.get("part", 0)
        if not isinstance(title, str) or not isinstance(part, int) or isinstance(part, bool):
            raise BadArticle(_("“series” wants {title: Its title, part: 2}"))
        return title, part

    def _moment(self) -> datetime | None:
        value = self._text("publish_at")
        if not value:
            return None
        try:
            day = parse_date(value)
            found = datetime.combine(day, time()) if day else parse_datetime(value)
        except ValueError:
            found = None
        if found is None:
            raise BadArticle(_("“publish_at” wants a time like 2026-12-01 09:00"))
        return found if timezone.is_aware(found) else timezone.make_aware(found)

    def _draft(self) -> bool:
        value = self._front.get("draft", False)
        if not isinstance(value, bool):
            raise BadArticle(_("“draft” is true or false"))
        return value
