"""Lists of repositories: filters, orders and pages, as one SQL statement each.

A list walks the index of its order and stops after a page. Only when a filter leaves few
rows does it start from those and sort them; which of the two is decided by counting up to
`FEW`. Pages continue behind the last row's (order value, id), so inserts move nothing.
"""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import connection
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.hub.access import visible_sql
from llmos.hub.kinds import Kind
from llmos.kit.errors import Invalid
from llmos.store import db, search

FEW = 800
MOST_FOUND = 500  # hits that the search index adds to those by name

ORDERS = {
    "createdAt": "created_at",
    "downloads": "downloads",
    "lastModified": "updated_at",
    "likes": "likes",
    "trendingScore": "trending",
}
# Applications that run models, and the tags that all of a model's files must have for it.
_APPS = {
    **dict.fromkeys(
        "llama.cpp ollama lmstudio jan koboldcpp llamafile gpt4all node-llama-cpp".split(),
        ("gguf",),
    ),
    **dict.fromkeys(
        "vllm sglang tgi text-generation-inference mlx-lm".split(), ("transformers", "safetensors")
    ),
}
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a list should hold. Texts are as clients send them."""

    tags: tuple[str, ...] = ()
    author: str = ""
    search: tuple[str, ...] = ()
    pipeline_tag: str = ""
    apps: tuple[str, ...] = ()
    gated: bool | None = None
    num_parameters: str = ""
    private: bool | None = None
    nothing: bool = False  # a filter that no repository here can meet
    order: str = "trendingScore"
    limit: int = 30
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as the asked columns, in order; `cursor` asks for the next page, "" at the end."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    cursor: str = ""


@dataclass(slots=True)
class _Where:
    """Conditions with their parameters, and the fewest rows that one of them leaves."""

    conditions: list[str] = field(default_factory=list)
    params: list[Any] = field(default_factory=list)
    few: list[int] | None = None

    def add(self, condition: str, *params: Any) -> None:
        self.conditions.append(condition)
        self.params += params

    def narrow(self, ids: list[int]) -> None:
        """These rows are all that can match: start from the smallest such set."""
        self.few = sorted(set(ids) if self.few is None else set(self.few) & set(ids))


def listed(viewer: Viewer, kind: Kind, wish: Wish, *, columns: str, join: str = "") -> Page:
    """One page of what the viewer may know of. `columns` and `join` are SQL over alias `r`.

    Raises Invalid.
    """
    where = _where(viewer, kind, wish)
    if wish.nothing or where.few == []:
        return Page()
    if wish.order not in ORDERS:
        raise Invalid(f"sort is one of {', '.join(ORDERS)}, not {wish.order!r}")
    order = ORDERS[wish.order]
    if wish.cursor:
        value, last_id = _position(wish.cursor, order)
        where.add(f"(r.{order}, r.id) < (%s, %s)", value, last_id)
    # The page is chosen by order and id alone; only its rows are then read whole.
    chosen = (
        f"SELECT r.{order} AS place, r.id AS id FROM {_source(where, order)} "
        f"WHERE {' AND '.join(where.conditions)} ORDER BY r.{order} DESC, r.id DESC LIMIT %s"
    )
    sql = (
        f"SELECT p.place, p.id, {columns} FROM ({chosen}) p "
        f"JOIN hub_repository r ON r.id = p.id {join} ORDER BY p.place DESC, p.id DESC"
    )
    few = [orjson.dumps(where.few).decode()] if where.few is not None else []
    rows = db.rows(sql, [*few, *where.params, wish.limit + 1])
    more = len(rows) > wish.limit
    rows = rows[: wish.limit]
    return Page([row[2:] for row in rows], _cursor(rows[-1][0], rows[-1][1]) if more else "")


def counted(viewer: Viewer, kind: Kind, wish: Wish, *, most: int = 10_000) -> int:
    """How many repositories a list has over all its pages, counted up to `most`."""
    where = _where(viewer, kind, wish)
    if wish.nothing or where.few == []:
        return 0
    few = [orjson.dumps(where.few).decode()] if where.few is not None else []
    found = db.row(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM {_source(where, '')} "
        f"WHERE {' AND '.join(where.conditions)} LIMIT %s) c",
        [*few, *where.params, most],
    )
    return int(found[0]) if found else 0


def _source(where: _Where, order: str) -> str:
    """Where the statement starts: from few known rows, else from the index of the order."""
    if where.few is None:
        # SQLite keeps no statistics; left alone it may sort the whole table instead.
        hint = f" INDEXED BY {_INDEXES[order]}" if connection.vendor == "sqlite" and order else ""
        return f"hub_repository r{hint}"
    if connection.vendor == "sqlite":
        return "json_each(%s) few CROSS JOIN hub_repository r ON r.id = few.value"
    return (
        "json_array_elements_text(%s::json) few JOIN hub_repository r ON r.id = few.value::bigint"
    )


_INDEXES = {
    "created_at": "repo_by_creation",
    "downloads": "repo_by_downloads",
    "updated_at": "repo_by_update",
    "likes": "repo_by_likes",
    "trending": "repo_by_trending",
}


def _where(viewer: Viewer, kind: Kind, wish: Wish) -> _Where:
    where = _Where()
    where.add("r.type = %s", kind.name)
    condition, params = visible_sql(viewer, "r")
    where.add(condition, *params)
    tags = [_spellings(kind, tag) for tag in wish.tags]
    tags += [[tag] for app in wish.apps for tag in _APPS.get(app, ("",))]
    if wish.pipeline_tag:
        tags.append([wish.pipeline_tag])  # every task is a tag too
        where.add("r.pipeline_tag = %s", wish.pipeline_tag)
    if tags:
        _add_tags(where, tags)
    if wish.author:
        _add_author(where, wish.author)
    for text in wish.search:
        _add_search(where, kind, text)
    if wish.gated is not None:
        _add_gate(where, kind, wish.gated)
    if wish.private is not None:
        where.add(f"r.visibility {'=' if wish.private else '<>'} 'private'")
    if wish.num_parameters:
        _add_parameters(where, kind, wish.num_parameters)
    return where


def _add_tags(where: _Where, tags: list[list[str]]) -> None:
    """Rows that have each of these tags, in any of its spellings."""
    if len(tags) > 1:
        tags = sorted(tags, key=_commonness)
    params = [spelling for spellings in tags for spelling in spellings]
    first, *others = [f"t.tag IN ({db.marks(spellings)})" for spellings in tags]
    has = "EXISTS (SELECT 1 FROM hub_repositorytag t WHERE {} AND t.repository_id = {})"
    # Tags that many have may still meet in few rows, or in none: the index of tags knows.
    meeting = "".join(f" AND {has.format(other, 'f.repository_id')}" for other in others)
    ids = _ids(
        f"SELECT f.repository_id FROM hub_repositorytag f "
        f"WHERE {first.replace('t.tag', 'f.tag')}{meeting}",
        params,
    )
    if ids is not None:
        where.narrow(ids)
        return
    where.add(" AND ".join(has.format(tag, "r.id") for tag in (first, *others)), *params)


def _commonness(spellings: list[str]) -> int:
    """How many repositories have a tag, counted as far as it matters which is rarer."""
    marks = db.marks(spellings)
    some = f"SELECT 1 FROM hub_repositorytag WHERE tag IN ({marks}) LIMIT 9999"
    found = db.row(f"SELECT COUNT(*) FROM ({some}) c", spellings)
    return int(found[0]) if found else 0


def _add_author(where: _Where, author: str) -> None:
    namespace = Namespace.objects.filter(key=author.casefold()).values_list("pk", flat=True).first()
    if namespace is None:
        where.narrow([])
        return
    ids = _ids("SELECT id FROM hub_repository WHERE namespace_id = %s", [namespace])
    if ids is not None:
        where.narrow(ids)
    else:
        where.add("r.namespace_id = %s", namespace)


def _add_search(where: _Where, kind: Kind, text: str) -> None:
    """Names that contain the text, at once; and what the index finds in tags and cards."""
    part = text.strip().casefold()
    if not part:
        return
    inside = "instr(key, %s) > 0" if connection.vendor == "sqlite" else "strpos(key, %s) > 0"
    by_name = _ids(
        f"SELECT id FROM hub_repository WHERE type = %s AND {inside}",
        [kind.name, part],
    )
    if by_name is None:
        # So many names have it that the walk meets a page of them soon.
        where.add(inside.replace("key", "r.key"), part)
        return
    hits = search.search(text, kinds=[kind.name], limit=MOST_FOUND, scopes=None)
    where.narrow(sorted({*by_name, *(hit.id for hit in hits)}))


def _add_gate(where: _Where, kind: Kind, gated: bool) -> None:
    if not gated:
        where.add("r.gated = ''")
        return
    where.add("r.gated <> ''")
    sql = "SELECT id FROM hub_repository WHERE type = %s AND NOT (gated = '')"
    if (ids := _ids(sql, [kind.name])) is not None:
        where.narrow(ids)


def _add_parameters(where: _Where, kind: Kind, text: str) -> None:
    """`min:6B,max:128B`, either half alone too. Raises Invalid."""
    sql = "SELECT id FROM hub_repository WHERE type = %s AND parameters IS NOT NULL"
    params: list[Any] = [kind.name]
    for part in text.split(","):
        bound, _colon, amount = part.strip().partition(":")
        number, unit = amount.strip().upper(), ""
        if number and number[-1] in _UNITS:
            number, unit = number[:-1], number[-1]
        try:
            value = int(float(number) * _UNITS[unit])
            comparison = {"min": ">=", "max": "<="}[bound]
        except (ValueError, KeyError, OverflowError):
            raise Invalid(f"num_parameters is written min:6B,max:128B, not {text!r}") from None
        where.add(f"r.parameters {comparison} %s", min(value, 2**62))
        sql += f" AND parameters {comparison} %s"
        params.append(min(value, 2**62))
    if (ids := _ids(sql, params)) is not None:
        where.narrow(ids)


def _ids(sql: str, params: list[Any]) -> list[int] | None:
    """All ids, or None when there are more than a few."""
    found = db.rows(f"{sql} LIMIT {FEW + 1}", params)
    return None if len(found) > FEW else [row[0] for row in found]


def _spellings(kind: Kind, tag: str) -> list[str]:
    """A tag as it is stored: people also write models' bare tags with their field's name."""
    if kind.name == "model":
        name, colon, value = tag.partition(":")
        if colon and name in {"language", "library", "pipeline_tag", "task", "other"}:
            return [tag, value]
    return [tag]


def _cursor(value: Any, row_id: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([value, row_id])).decode().rstrip("=")


def _position(cursor: str, order: str) -> tuple[Any, int]:
    """Raises Invalid."""
    try:
        value, row_id = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if type(row_id) is not int:
            raise ValueError
        if order.endswith("_at"):
            moment = datetime.fromisoformat(value)
            value = connection.ops.adapt_datetimefield_value(
                moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            )
        elif not isinstance(value, int | float):
            raise ValueError
    except (ValueError, TypeError):
        raise Invalid(_("This cursor is not one of ours: start the list again")) from None
    return value, row_id
