"""What lists on pages show: a wish spelled in the address, and the filters beside the list."""

import re
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache

from llmos.accounts.access import Viewer
from llmos.hub import listing, queries
from llmos.hub.kinds import KINDS

# Words of the address, and the clients' names of the same orders.
SORTS = {
    "trending": "trendingScore",
    "downloads": "downloads",
    "likes": "likes",
    "updated": "lastModified",
    "created": "createdAt",
}
ROWS_A_PAGE = 30
COUNTED = 1000  # beyond that a list says "over a thousand"
FACET_SECONDS = 60

# Bounds of the size filter, in parameters.
SIZES = {
    "<10M": "max:10M",
    "10M-100M": "min:10M,max:100M",
    "100M-1B": "min:100M,max:1B",
    "1B-10B": "min:1B,max:10B",
    ">10B": "min:10B",
}
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_PREFIXES = {
    "task_categories:": "task",
    "language:": "language",
    "license:": "licence",
    "library:": "library",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """Which repositories of a kind somebody wants to see."""

    kind: str
    text: str = ""
    tags: tuple[str, ...] = ()
    size: str = ""
    author: str = ""
    sort: str = "trending"
    after: str = ""
    rows: int = ROWS_A_PAGE

    def address(self, **changes: Any) -> str:
        """The same list with something else, from its beginning unless `after` is given."""
        wish = replace(self, **{"after": "", **changes})
        parts: list[tuple[str, str]] = [("tag", tag) for tag in wish.tags]
        parts += [("q", wish.text)] if wish.text else []
        parts += [("size", wish.size)] if wish.size else []
        parts += [("author", wish.author)] if wish.author else []
        parts += [("sort", wish.sort)] if wish.sort != "trending" else []
        parts += [("after", wish.after)] if wish.after else []
        base = f"/{KINDS[wish.kind].plural}"
        return f"{base}?{urlencode(parts)}" if parts else base

    def with_tag(self, tag: str) -> str:
        return self.address(tags=(*(t for t in self.tags if t != tag), tag))

    def without_tag(self, tag: str) -> str:
        return self.address(tags=tuple(t for t in self.tags if t != tag))

    def spelled(self) -> listing.Wish:
        return listing.Wish(
            tags=self.tags,
            author=self.author,
            search=(self.text,) if self.text else (),
            num_parameters=SIZES.get(self.size, ""),
            order=SORTS[self.sort],
            limit=self.rows,
            cursor=self.after,
        )


@dataclass(frozen=True, slots=True)
class FacetGroup:
    """One group of filters: tags, their words, and how many public repositories bear them."""

    name: str
    tags: list[tuple[str, str, int]] = field(default_factory=list)


def shelf(viewer: Viewer, wish: Wish) -> queries.RepositoryPage:
    """One page of a list. Raises Invalid for a cursor that is not ours."""
    return queries.repositories(viewer, KINDS[wish.kind], wish.spelled())


def count_of(viewer: Viewer, wish: Wish) -> int:
    """How many fit, counted up to one more than `COUNTED`."""
    return listing.counted(viewer, KINDS[wish.kind], wish.spelled(), most=COUNTED + 1)


def facets(kind: str) -> list[FacetGroup]:
    """The filters of a kind's list, counted over public repositories, at most a minute old."""
    key = f"facets-{kind}"
    found: list[FacetGroup] | None = cache.get(key)
    if found is None:
        found = _facets(kind)
        cache.set(key, found, FACET_SECONDS)
    return found


def _facets(kind: str) -> list[FacetGroup]:
    tasks, libraries = queries.pipeline_tags(), queries.libraries()
    groups = {name: FacetGroup(name) for name in ("task", "library", "language", "licence")}
    for tag, count in queries.public_tags(KINDS[kind]):
        place = _group_of(tag, tasks, libraries)
        if place is not None:
            groups[place[0]].tags.append((tag, place[1], count))
    return [group for group in groups.values() if group.tags]


def _group_of(tag: str, tasks: set[str], libraries: set[str]) -> tuple[str, str] | None:
    """The group of a tag and its words there; None for tags that are no filter."""
    for prefix, group in _PREFIXES.items():
        if tag.startswith(prefix):
            return group, tag.removeprefix(prefix)
    if tag in tasks:
        return "task", tag
    if tag in libraries:
        return "library", tag
    return ("language", tag) if _LANGUAGE.fullmatch(tag) else None
