"""What somebody looks for, as typed in the search box and as spelled in the address.

`attention author:ada solved:yes after:2026-01-31`: words, and filters with a colon. Both
languages of the interface understand the same filters.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from urllib.parse import urlencode

from llmos.community.threads.tags import tag_named
from llmos.hub.kinds import KINDS
from llmos.kit.text import fold
from llmos.store.search import Filters

LONGEST_TEXT = 200
REPOSITORIES = tuple(KINDS)
CONVERSATIONS = ("topic", "discussion", "article", "note")
TYPES = (*REPOSITORIES, *CONVERSATIONS, "people")
NAMES = ("type", "author", "tag", "solved", "lang", "after", "before", "sort")
SORTS = ("best", "new")

_FILTER = re.compile(rf"(?<!\S)({'|'.join(NAMES)}):(\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wish:
    """Words and filters; an empty one filters nothing."""

    text: str = ""
    type: str = ""
    author: str = ""
    tag: str = ""
    solved: str = ""  # yes or no: questions only
    lang: str = ""
    after: str = ""  # days, as 2026-01-31
    before: str = ""
    sort: str = "best"

    @property
    def is_empty(self) -> bool:
        return not self.text and not self.filtered

    @property
    def filtered(self) -> bool:
        return any((self.type, self.author, self.tag, self.solved, self.lang)) or any(self.span())

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of conversations that can meet it."""
        if self.solved:
            return ("topic",) if self.type in {"", "topic"} else ()
        if self.type:
            return (self.type,) if self.type in CONVERSATIONS else ()
        return CONVERSATIONS

    @property
    def repository_kinds(self) -> tuple[str, ...]:
        """Kinds of repositories that can meet it; they know nothing of days and answers."""
        if self.solved or any(self.span()):
            return ()
        if self.type:
            return (self.type,) if self.type in REPOSITORIES else ()
        return REPOSITORIES

    @property
    def with_people(self) -> bool:
        return bool(self.text) and (self.type == "people" or not self.filtered)

    def span(self) -> tuple[int | None, int | None]:
        """The first second that counts and the first that does not; days are whole, in UTC."""
        return _seconds(self.after), _seconds(self.before)

    def filters(self) -> Filters:
        """The same for the search index."""
        tag = tag_named(self.tag) if self.tag else None
        terms = [
            f"author:{fold(self.author)}" if self.author else "",
            f"tag:{tag.name if tag else fold(self.tag)}" if self.tag else "",
            f"solved:{self.solved}" if self.solved else "",
            f"lang:{self.lang}" if self.lang else "",
        ]
        since, before = self.span()
        return Filters(terms=tuple(filter(None, terms)), since=since, before=before)

    def address(self, **changes: str) -> str:
        """The same search with something else."""
        changed = replace(self, **changes)
        said = {"q": changed.text} if changed.text else {}
        said |= {name: getattr(changed, name) for name in NAMES if getattr(changed, name)}
        if changed.sort == "best":
            said.pop("sort", None)
        return "/search" + (f"?{urlencode(said)}" if said else "")


def wish_from(asked: dict[str, str]) -> Wish:
    """From an address; filters typed among the words win. What makes no sense is left out."""
    typed = asked.get("q", "").strip()[:LONGEST_TEXT]
    found = {name: asked.get(name, "")[:100] for name in NAMES}
    found |= {name.casefold(): value for name, value in _FILTER.findall(typed)}
    words = " ".join(_FILTER.sub(" ", typed).split())
    # The blank behind the last word says that it is whole.
    text = f"{words} " if words and asked.get("q", "")[-1:].isspace() else words
    return Wish(
        text=text,
        type=found["type"] if found["type"] in TYPES else "",
        author=found["author"].lstrip("@"),
        tag=found["tag"].lstrip("#"),
        solved=found["solved"] if found["solved"] in {"yes", "no"} else "",
        lang=found["lang"] if re.fullmatch(r"[a-z]{2,3}", found["lang"]) else "",
        after=found["after"] if _seconds(found["after"]) is not None else "",
        before=found["before"] if _seconds(found["before"]) is not None else "",
        sort=found["sort"] if found["sort"] in SORTS else "best",
    )


def _seconds(day: str) -> int | None:
    try:
        return int(datetime.combine(date.fromisoformat(day), time(), UTC).timestamp())
    except ValueError:
        return None
