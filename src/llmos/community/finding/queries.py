"""What a search finds and this viewer may see: one row for each thread, best post first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.accounts.names import key_of
from llmos.community.finding.wishes import Wish
from llmos.community.threads.access import ids_listed
from llmos.community.threads.models import Post, Thread
from llmos.community.threads.sql import posts_by_id, threads_by_id, threads_of_posts
from llmos.hub import listing
from llmos.hub import queries as hub
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.kit.text import fold, search_words
from llmos.store import search

FOUND = 30  # rows of a kind on a page
PEOPLE = 12
_MORE = 6  # hits read for each row: several may be of one thread, or not for her to see
_BEFORE, _LENGTH = 60, 220  # characters of an excerpt before its first hit, and in all
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
# Fences, marks of headings and lists with their boxes, rules of tables, marks within a line.
_MARKS = re.compile(
    r"^\s*```.*$|^\s*(?:#{1,6}|[-+*]|\d+\.)\s+(?:\[[ xX]\]\s)?|:?-{3,}:?|[`*_>|\[\]]+", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread with the post in it that fits best."""

    thread: Thread
    post: Post
    excerpt: Markup


def conversations(viewer: Viewer, wish: Wish) -> list[Conversation]:
    """Threads of all places that meet a wish, in the order it asks for."""
    if not wish.kinds:
        return []
    hits = search.search(
        wish.text,
        kinds=wish.kinds,
        limit=FOUND * _MORE,
        scopes=None,  # the rows decide who may see what
        filters=wish.filters(),
        newest_first=wish.sort == "new",
    )
    ids = [hit.id for hit in hits]
    of_thread = threads_of_posts(ids)
    seen = ids_listed(viewer, set(of_thread.values()))
    best: dict[int, int] = {}  # thread → post
    for pk in ids:
        if of_thread.get(pk) in seen:
            best.setdefault(of_thread[pk], pk)
    shown = dict(list(best.items())[:FOUND])
    threads, posts = threads_by_id(shown), posts_by_id(list(shown.values()))
    return [
        Conversation(threads[thread], posts[post], excerpt(posts[post].text, wish.text))
        for thread, post in shown.items()
        if thread in threads and post in posts
    ]


def repositories(viewer: Viewer, wish: Wish) -> list[Repository]:
    """Repositories that meet a wish and that the viewer may know of, best first."""
    if not wish.repository_kinds or wish.is_empty:
        return []
    kinds = wish.repository_kinds
    hits = search.search(wish.text, kinds=kinds, limit=FOUND * _MORE, scopes=None)
    plain = not (wish.author or wish.tag or wish.lang)
    place = {hit.id: rank for rank, hit in enumerate(hits)} if plain else {}
    words = (wish.text.strip(),) if wish.text else ()
    tags = tuple(filter(None, (wish.tag, f"language:{wish.lang}" if wish.lang else "")))
    for kind in kinds:
        asked = listing.Wish(search=words, author=wish.author, tags=tags, limit=FOUND)
        for repository in hub.repositories(viewer, KINDS[kind], asked).repositories:
            place.setdefault(repository.pk, len(place))
    seen = hub.visible(viewer).filter(pk__in=place)
    return sorted(seen, key=lambda repository: place[repository.pk])[:FOUND]


def people(wish: Wish) -> list[Namespace]:
    """Members and organisations whose name begins with the words."""
    if not wish.with_people:
        return []
    found = Namespace.objects.filter(key__startswith=key_of(wish.text.strip())).order_by("key")
    return list(found[:PEOPLE])


def excerpt(text: str, asked: str) -> Markup:
    """A piece of a text around the first word that was asked for, with all of them marked."""
    plain = " ".join(_MARKS.sub(" ", _FORMULA.sub(" ", text)).split())
    pattern = _pattern(asked)
    first = pattern.search(plain) if pattern else None
    start = max(0, first.start() - _BEFORE) if first else 0
    piece = plain[start : start + _LENGTH]
    said = Markup.escape(piece) if pattern is None else _marked(piece, pattern)
    return Markup("{}{}{}").format(
        "… " if start else "", said, " …" if start + _LENGTH < len(plain) else ""
    )


def _pattern(asked: str) -> re.Pattern[str] | None:
    """What to mark: words from their beginning, Chinese pairs anywhere."""
    words = {word for phrase in search_words(fold(asked)) for word in phrase}
    if not words:
        return None
    longest_first: Sequence[str] = sorted(words, key=len, reverse=True)
    return re.compile("|".join(re.escape(word) for word in longest_first), re.IGNORECASE)


def _marked(piece: str, pattern: re.Pattern[str]) -> Markup:
    said, end = Markup(""), 0
    for hit in pattern.finditer(piece):
        said += Markup("{}<mark>{}</mark>").format(piece[end : hit.start()], hit[0])
        end = hit.end()
    return said + Markup.escape(piece[end:])
