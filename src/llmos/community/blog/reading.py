"""How an article reads: its table of contents and the time it takes."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser

from llmos.kit.text import is_spaced

WORDS_A_MINUTE = 230
CHARACTERS_A_MINUTE = 380  # Chinese ones; both are what grown readers do with plain texts
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_WORDS = re.compile(r"[^\W_]+")
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of the table of contents."""

    level: int  # 2 or 3
    id: str
    text: str


def minutes_of(text: str) -> int:
    """Minutes of reading, at least one. Code is looked at rather than read: a third counts."""
    prose = _FENCED.sub("", text)
    minutes = _plain_minutes(prose) + (_plain_minutes(text) - _plain_minutes(prose)) / 3
    return max(1, min(32_000, math.ceil(minutes)))


def _plain_minutes(text: str) -> float:
    ideographs = len(_IDEOGRAPHS.findall(text))
    words = sum(1 for word in _WORDS.findall(_IDEOGRAPHS.sub(" ", text)) if is_spaced(word))
    return ideographs / CHARACTERS_A_MINUTE + words / WORDS_A_MINUTE


@lru_cache(maxsize=256)
def outline_of(html: str) -> tuple[Heading, ...]:
    """The headings of stored HTML down to the third level; none where one says nothing."""
    reader = _Headings()
    reader.feed(html)
    found = [one for one in reader.found if one.text]
    # Authors who begin at `#` mean by it what others mean by `##`.
    top = min((one.level for one in found), default=2)
    kept = [Heading(one.level - top + 2, one.id, one.text) for one in found if one.level < top + 2]
    return tuple(kept) if len(kept) > 1 else ()


class _Headings(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Heading] = []
        self._open: tuple[int, str] | None = None
        self._words: list[str] = []
        self._anchor = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        if re.fullmatch("h[1-6]", tag) and held.get("id"):
            self._open, self._words = (int(tag[1]), held["id"] or ""), []
        elif tag == "a" and "anchor" in (held.get("class") or "").split():
            self._anchor += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._anchor:
            self._anchor -= 1
        elif self._open is not None and tag == f"h{self._open[0]}":
            level, name = self._open
            self.found.append(Heading(level, name, " ".join("".join(self._words).split())))
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None and not self._anchor:
            self._words.append(data)
