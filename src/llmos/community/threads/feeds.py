"""Atom and JSON Feed: what is public here, for feed readers.

One renderer for every list: a page's address with `.atom` or `.json` behind it. Entries hold
what somebody without an account may see; addresses in them are made whole, since readers show
them far away from here. A reader that has the newest state already is told so in a few bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal, cast

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.encoding import iri_to_uri
from django.utils.feedgenerator import Atom1Feed
from django.utils.http import http_date

from llmos.kit.config import current
from llmos.kit.text import cleaned
from llmos.store.config import ServerSettings

FeedKind = Literal["atom", "json"]

ENTRIES = 30  # that a feed holds; readers ask often
_KEPT_SECONDS = 300
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
# In stored HTML every `<` of a text is escaped, so these are tags and nothing else.
_OWN_ADDRESS = re.compile(r'(<(?:a|img)\b[^>]*?\s(?:href|src)=")(?=/(?!/))')


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a feed. `address` begins with a slash; `html` is stored, safe HTML."""

    title: str
    address: str
    html: str
    author: str  # a member's or an organisation's name; empty where the account is gone
    at: datetime
    updated: datetime | None = None
    language: str = ""
    tags: Sequence[str] = ()
    id: str = ""  # an address that stays when `address` changes; by default that one


def feed_response(
    request: HttpRequest,
    kind: FeedKind,
    *,
    title: str,
    address: str,
    entries: Sequence[Entry],
    language: str = "",
    description: str = "",
) -> HttpResponse:
    """A feed of a page: `address` is the page's own. Answers 304 to who has this state."""
    feed = _Feed(_base_of(request), kind, cleaned(title), address, language, cleaned(description))
    body = _atom(feed, entries) if kind == "atom" else _json(feed, entries)
    response = HttpResponse(body, content_type=_TYPES[kind])
    newest = max((entry.updated or entry.at for entry in entries), default=None)
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    response["ETag"] = etag
    response["Cache-Control"] = f"public, max-age={_KEPT_SECONDS}"
    modified = None if newest is None else int(newest.timestamp())
    if modified is not None:
        response["Last-Modified"] = http_date(modified)
    answer = get_conditional_response(request, etag, modified, response)
    assert isinstance(answer, HttpResponse)
    return answer


_TYPES = {
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class _Feed:
    base: str
    kind: FeedKind
    title: str
    address: str
    language: str
    description: str

    @property
    def page(self) -> str:
        return self.whole(self.address)

    @property
    def own_address(self) -> str:
        return f"{self.page.rstrip('/')}.{self.kind}"

    def whole(self, address: str) -> str:
        return self.base + (iri_to_uri(address) or "")

    def author_page(self, entry: Entry) -> str:
        return self.whole(f"/{entry.author}")

    def id_of(self, entry: Entry) -> str:
        return self.whole(entry.id or entry.address)

    def html(self, entry: Entry) -> str:
        return with_whole_addresses(cleaned(entry.html), self.base)


def with_whole_addresses(html: str, base: str) -> str:
    """Safe HTML whose links also lead to this hub where it is read elsewhere."""
    return _OWN_ADDRESS.sub(lambda tag: tag[1] + base, html)


def _base_of(request: HttpRequest) -> str:
    configured: str = current(ServerSettings).public_url
    return configured.rstrip("/") or f"{request.scheme}://{request.get_host()}"


class _Atom(Atom1Feed):
    """Django's writer, with whole texts, each entry's language, and a date of an empty feed."""

    def item_attributes(self, item: dict[str, Any]) -> dict[str, str]:
        return {"xml:lang": item["language"]} if item["language"] else {}

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["content"], {"type": "html"})

    def latest_post_date(self) -> datetime:
        return super().latest_post_date() if self.items else _NEVER


def _atom(feed: _Feed, entries: Sequence[Entry]) -> bytes:
    written = _Atom(
        title=feed.title,
        link=feed.page,
        description=feed.description,
        subtitle=feed.description or None,
        language=feed.language or None,
        feed_url=feed.own_address,
    )
    for entry in entries:
        written.add_item(
            title=cleaned(entry.title),
            link=feed.whole(entry.address),
            description=cast(str, None),  # the whole text comes as content instead
            content=feed.html(entry),
            author_name=entry.author or "-",  # Atom wants one
            author_link=feed.author_page(entry) if entry.author else None,
            pubdate=entry.at,
            updateddate=entry.updated or entry.at,
            unique_id=feed.id_of(entry),
            categories=entry.tags,
            language=entry.language,
        )
    return written.writeString("utf-8").encode()


def _json(feed: _Feed, entries: Sequence[Entry]) -> bytes:
    """https://www.jsonfeed.org/version/1.1/"""
    body = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": feed.own_address,
        **({"language": feed.language} if feed.language else {}),
        **({"description": feed.description} if feed.description else {}),
        "items": [_item(feed, entry) for entry in entries],
    }
    return orjson.dumps(body)


def _item(feed: _Feed, entry: Entry) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": feed.id_of(entry),
        "url": feed.whole(entry.address),
        "title": cleaned(entry.title),
        "content_html": feed.html(entry),
        "date_published": _moment(entry.at),
        "date_modified": _moment(entry.updated or entry.at),
        "tags": list(entry.tags),
    }
    if entry.author:
        item["authors"] = [{"name": entry.author, "url": feed.author_page(entry)}]
    if entry.language:
        item["language"] = entry.language
    return item


def _moment(at: datetime) -> str:
    """RFC 3339, as both formats want it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
