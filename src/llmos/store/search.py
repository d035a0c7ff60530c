"""The search index: documents of every room, found by words of any language.

One writer, the worker; every process reads. The index is a copy that can be made again from
the rows at any time (`rebuild`), so damage costs a rebuild and never data.
"""

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4
from zlib import crc32

import tantivy

from llmos.kit.home import home_from_environment
from llmos.kit.text import index_words, is_spaced, search_words

logger = logging.getLogger(__name__)

# Another number makes old indexes be rebuilt: raise it when fields or words change.
FORMAT = 3
EVERYBODY = "public"  # the scope of what anybody may find
LONGEST_QUERY_WORDS = 32
# Weight of a hit by where it stands; names are what people type.
_WEIGHTS = (("names", 4.0), ("tags", 2.0), ("text", 1.0))
_WRITER_HEAP = 16_000_000  # bytes, near the least that tantivy takes
_TOKENIZER = "words"
_ALL_TIME = 2**53  # seconds; far beyond any date


@dataclass(frozen=True, slots=True)
class Document:
    """Something to be found; `scope` limits who finds it: EVERYBODY, or a name of your own.

    `terms` are what filters ask for, whole: `author:ada`, `solved:yes`. `at` is when it was
    written, in seconds since 1970.
    """

    kind: str
    id: int
    names: str
    tags: str = ""
    text: str = ""
    scope: str = EVERYBODY
    terms: tuple[str, ...] = ()
    at: int = 0

    @property
    def uid(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Hit:
    kind: str
    id: int
    score: float


class IndexDamaged(Exception):
    """The index cannot be read or written; `rebuild` mends it."""


Source = Callable[[], Iterable[Document]]
_sources: list[Source] = []


def provide(source: Source) -> None:
    """Name a function that yields all documents of one room, for `rebuild`."""
    if source not in _sources:
        _sources.append(source)


@dataclass(frozen=True, slots=True)
class Filters:
    """What hits must meet besides the words: all terms, and a span of time in seconds."""

    terms: tuple[str, ...] = ()
    since: int | None = None  # the first second that counts
    before: int | None = None  # the first one that does not

    def __bool__(self) -> bool:
        return bool(self.terms) or self.since is not None or self.before is not None


ALL = Filters()


def search(
    text: str,
    *,
    kinds: Sequence[str],
    limit: int,
    scopes: Sequence[str] | None = (EVERYBODY,),
    filters: Filters = ALL,
    newest_first: bool = False,
) -> list[Hit]:
    """The best hits, best first; every word must occur, the last one may be unfinished.

    None as scopes searches all. Filters alone, without a word, find the newest. Nothing is
    found while the index is missing or damaged; the worker mends it.
    """
    words = search_words(text)[:LONGEST_QUERY_WORDS]
    if not kinds or not (words or filters):
        return []
    open_ended = bool(text) and not text[-1].isspace()
    return _hits(
        lambda: _query(words, kinds, scopes, open_ended, filters),
        kinds=kinds,
        limit=limit,
        by_time=newest_first or not words,
    )


def near(text: str, *, kinds: Sequence[str], limit: int) -> list[Hit]:
    """What everybody may find whose names share most with a text, nearest first.

    Any word counts, rare ones more; of Chinese, any two characters.
    """
    words = dict.fromkeys(word for phrase in search_words(text) for word in phrase)
    asked = [word for word in words if len(word) > 1][:LONGEST_QUERY_WORDS]
    if not kinds or not asked:
        return []
    return _hits(lambda: _near(asked, kinds), kinds=kinds, limit=limit)


def _hits(
    query: Callable[[], tantivy.Query], *, kinds: Sequence[str], limit: int, by_time: bool = False
) -> list[Hit]:
    try:
        with _told_as_damage():
            found = _reader().current()
            if found is None:
                return []
            searcher = found.searcher()
            order: dict[str, Any] = {"order_by_field": "at"} if by_time else {}
            hits = searcher.search(query(), limit, count=False, **order).hits
            addresses = [address for _, address in hits]
            ids = searcher.fast_field_values("id", addresses)
            codes = searcher.fast_field_values("code", addresses)
    except IndexDamaged as damage:
        logger.warning("The search index is damaged, the worker will rebuild it: %s", damage)
        return []
    kind_of = {_code(kind): kind for kind in kinds}
    return [
        Hit(kind_of[int(code or 0)], int(id_ or 0), score)
        for (score, _), id_, code in zip(hits, ids, codes, strict=True)
    ]


def index(documents: Iterable[Document]) -> None:
    """Add documents or replace them. For the worker alone. Raises IndexDamaged."""
    with _writer(_folder()) as writer:
        for document in documents:
            writer.delete_documents_by_term("uid", document.uid)
            writer.add_document(_row(document))


def forget(uids: Iterable[str]) -> None:
    """Take documents out by `kind:id`. For the worker alone. Raises IndexDamaged."""
    with _writer(_folder()) as writer:
        for uid in uids:
            writer.delete_documents_by_term("uid", uid)


def rebuild() -> int:
    """Make the index anew from all sources and put it in place; returns how many documents.

    For the worker alone, or while none runs. Searches go on meanwhile.
    """
    target = _folder()
    fresh = target.with_name(f".{target.name}-{uuid4().hex}")
    count = 0
    try:
        with _writer(fresh) as writer:
            for source in _sources:
                for document in source():
                    writer.add_document(_row(document))
                    count += 1
        old = target.with_name(f".old-{uuid4().hex}")
        with suppress(FileNotFoundError):
            os.replace(target, old)
        os.replace(fresh, target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return count


def is_missing() -> bool:
    """Whether there is no index yet, so that a start should make one."""
    return not (_folder() / "meta.json").exists()


def _folder() -> Path:
    return home_from_environment().search / f"v{FORMAT}"


@cache
def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("uid", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("kind", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("scope", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("terms", tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("id", indexed=False, fast=True)
    # The kind again, as a number: opening a stored document costs as much as finding it.
    builder.add_integer_field("code", indexed=False, fast=True)
    builder.add_integer_field("at", indexed=True, fast=True)
    for field, _weight in _WEIGHTS:
        builder.add_text_field(field, tokenizer_name=_TOKENIZER)
    return builder.build()


def _opened(folder: Path) -> tantivy.Index:
    found = tantivy.Index(_schema(), path=str(folder))
    blanks = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    found.register_tokenizer(_TOKENIZER, blanks)
    return found


def _row(document: Document) -> tantivy.Document:
    return tantivy.Document(
        uid=document.uid,
        kind=document.kind,
        scope=document.scope,
        id=document.id,
        code=_code(document.kind),
        terms=list(document.terms),
        at=document.at,
        names=index_words(document.names),
        tags=index_words(document.tags),
        text=index_words(document.text),
    )


def _code(kind: str) -> int:
    return crc32(kind.encode())


@contextmanager
def _writer(folder: Path) -> Iterator[tantivy.IndexWriter]:
    folder.mkdir(parents=True, exist_ok=True)
    with _told_as_damage():
        writer = _opened(folder).writer(_WRITER_HEAP, 1)
        yield writer
        writer.commit()
        writer.wait_merging_threads()


@contextmanager
def _told_as_damage() -> Iterator[None]:
    """Whatever tantivy says about its files, panics of its Rust side included, is damage."""
    try:
        yield
    except ValueError as error:
        raise IndexDamaged(str(error)) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise IndexDamaged(str(error)) from error


class _Reader:
    """This process's view of the index, renewed when the worker has written or rebuilt."""

    def __init__(self, folder: Path) -> None:
        self._meta = folder / "meta.json"
        self._folder = folder
        self._lock = threading.Lock()
        self._index: tantivy.Index | None = None
        self._seen: tuple[int, int] = (0, 0)

    def current(self) -> tantivy.Index | None:
        try:
            state = self._meta.stat()
        except FileNotFoundError:
            return None
        seen = (state.st_ino, state.st_mtime_ns)
        if seen != self._seen:
            with self._lock:
                if seen != self._seen:
                    # Opened anew, not reloaded: a rebuild puts another folder in this place.
                    self._index, self._seen = _opened(self._folder), seen
        return self._index


@cache
def _reader() -> _Reader:
    return _Reader(_folder())


def _query(
    phrases: list[list[str]],
    kinds: Sequence[str],
    scopes: Sequence[str] | None,
    open_ended: bool,
    filters: Filters,
) -> tantivy.Query:
    must = tantivy.Occur.Must
    clauses = [
        (must, _anywhere(phrase, open_ended and place == len(phrases) - 1))
        for place, phrase in enumerate(phrases)
    ]
    limits = [("kind", kinds)] + ([("scope", scopes)] if scopes is not None else [])
    limits += [("terms", [term]) for term in filters.terms]
    if filters.since is not None or filters.before is not None:
        span = tantivy.Query.range_query(
            _schema(),
            "at",
            tantivy.FieldType.Integer,
            filters.since or 0,
            _ALL_TIME if filters.before is None else filters.before,
            include_upper=False,
        )
        clauses.append((must, tantivy.Query.const_score_query(span, 0.0)))
    for field, values in limits:
        found = tantivy.Query.term_set_query(_schema(), field, list(values))
        clauses.append((must, tantivy.Query.const_score_query(found, 0.0)))
    return tantivy.Query.boolean_query(clauses)


def _near(words: Sequence[str], kinds: Sequence[str]) -> tantivy.Query:
    should = [
        (tantivy.Occur.Should, tantivy.Query.term_query(_schema(), "names", word)) for word in words
    ]
    clauses = [(tantivy.Occur.Must, tantivy.Query.boolean_query(should))]
    for field, values in (("kind", list(kinds)), ("scope", [EVERYBODY])):
        found = tantivy.Query.term_set_query(_schema(), field, values)
        clauses.append((tantivy.Occur.Must, tantivy.Query.const_score_query(found, 0.0)))
    return tantivy.Query.boolean_query(clauses)


def _anywhere(phrase: list[str], open_ended: bool) -> tantivy.Query:
    found = []
    for field, weight in _WEIGHTS:
        query = _phrase(field, phrase, open_ended)
        found.append((tantivy.Occur.Should, tantivy.Query.boost_query(query, weight)))
    return tantivy.Query.boolean_query(found)


def _phrase(field: str, phrase: list[str], open_ended: bool) -> tantivy.Query:
    """One field's hits; a single CJK character is the start of a pair or the end of a run."""
    last = phrase[-1]
    if open_ended or (len(last) == 1 and not is_spaced(last)):
        if len(phrase) > 1 and is_spaced(last):
            return tantivy.Query.phrase_prefix_query(_schema(), field, list(phrase))
        if len(phrase) == 1 and (not is_spaced(last) or len(last) > 1):
            return tantivy.Query.phrase_prefix_query(_schema(), field, [last])
    if len(phrase) == 1:
        return tantivy.Query.term_query(_schema(), field, last)
    return tantivy.Query.phrase_query(_schema(), field, list(phrase))
