"""Activities and what they name, by hand-written SQL: a feed reads twenty of each at once.

What is visible stays the rule of the rooms to the left: their own conditions are part of it.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace, User
from llmos.community.social.models import About, Activity
from llmos.community.threads.access import listed_sql
from llmos.community.threads.models import Post, State, Thread, Watch
from llmos.community.trust.models import Distance
from llmos.hub.access import visible_sql
from llmos.hub.models import Repository
from llmos.store import db

POSTS_ASKED = 50  # of a member's newest, for the languages that she writes
_NOT_OF_MEMBERS = ("password", "email", "last_login")
_NOT_OF_NAMESPACES = ("bio", "website")
_NOT_OF_REPOSITORIES = ("card", "tags", "protected_branches")


def activities_of(ids: Sequence[int]) -> list[Activity]:
    """Activities in the order of their ids' list, with the members who did them."""
    if not ids:
        return []
    parts = _parts()
    starts = [0]
    for _model, _alias, _without, size in parts:
        starts.append(starts[-1] + size)
    found: dict[int, Activity] = {}
    for row in db.rows(f"{_activities_sql()} WHERE a.id IN ({db.marks(ids)})", ids):
        activity, actor, own, place = (
            _part(model, row[start : start + size], without)
            for start, (model, _alias, without, size) in zip(starts, parts, strict=False)
        )
        if actor is not None:
            actor.namespace = own
        activity.actor, activity.namespace = actor, place
        found[activity.pk] = activity
    return [found[pk] for pk in ids if pk in found]


def weights_of(ids: Sequence[int]) -> list[tuple[int, datetime, str, int, str]]:
    """What an order by interest looks at: id, time, kind, reactions and language."""
    if not ids:
        return []
    rows = db.rows(
        f"SELECT id, at, kind, warmth, language FROM {Activity._meta.db_table} "
        f"WHERE id IN ({db.marks(ids)})",
        ids,
    )
    return [(pk, _moment(at), *rest) for pk, at, *rest in rows]


def repositories_seen(viewer: Viewer, ids: Collection[int]) -> dict[int, Repository]:
    """Those whose existence she may know, by id; cards and tags are read when asked for."""
    if not ids:
        return {}
    condition, params = visible_sql(viewer, "m")
    found = db.instances(
        Repository,
        f"WHERE m.id IN ({db.marks(ids)}) AND {condition}",
        [*ids, *params],
        without=_NOT_OF_REPOSITORIES,
    )
    return {one.pk: one for one in found}


def threads_seen(viewer: Viewer, ids: Collection[int]) -> dict[int, Thread]:
    """Those of some threads that lists show her, by id."""
    if not ids:
        return {}
    condition, params = listed_sql(viewer, "m", "r")
    found = db.instances(
        Thread,
        f"LEFT JOIN {Repository._meta.db_table} r ON r.id = m.repository_id "
        f"WHERE m.id IN ({db.marks(ids)}) AND {condition}",
        [*ids, *params],
    )
    return {one.pk: one for one in found}


def first_posts(threads: Collection[int]) -> dict[int, Post]:
    """The visible first posts of some threads, by thread."""
    if not threads:
        return {}
    among = f"WHERE m.thread_id IN ({db.marks(threads)})"
    found = db.instances(
        Post, f"{among} AND m.number = 1 AND m.state = %s", [*threads, State.VISIBLE]
    )
    return {one.thread_id: one for one in found}


def kept_out(viewer: Viewer, activities: Sequence[Activity]) -> set[int]:
    """Those of some activities that this viewer does not want, or whose member wants her away."""
    if viewer.user_id is None or not activities:
        return set()
    away = {one for (one,) in db.rows(_AWAY, [viewer.user_id, viewer.user_id, "block"])}
    out = {one.pk for one in activities if one.actor_id in away}
    muted = set(db.rows(_MUTED, [viewer.user_id, Watch.Level.MUTED]))
    if not muted:
        return out
    ids = [one.pk for one in activities]
    about = About.objects.filter(activity_id__in=ids).values_list("activity_id", "kind", "target")
    out |= {pk for pk, kind, target in about if (kind, target) in muted}
    return out | {
        one.pk for one in activities if (Watch.Kind.THREAD.value, str(one.thread_id)) in muted
    }


def languages_written(user_id: int) -> set[str]:
    """The languages of what a member wrote lately."""
    rows = db.rows(
        f"SELECT language FROM {Post._meta.db_table} WHERE author_id = %s "
        f"ORDER BY created_at DESC LIMIT {POSTS_ASKED}",
        [user_id],
    )
    return {language for (language,) in rows}


# Mute, ignore and block all leave out; a block also leaves her out of what they did.
_AWAY = (
    f"SELECT other_id FROM {Distance._meta.db_table} WHERE user_id = %s "
    f"UNION SELECT user_id FROM {Distance._meta.db_table} WHERE other_id = %s AND degree = %s"
)
_MUTED = f"SELECT kind, target FROM {Watch._meta.db_table} WHERE user_id = %s AND level = %s"


def _part(model: Any, values: Sequence[Any], without: tuple[str, ...]) -> Any:
    return None if values[0] is None else db.instance(model, values, without=without)


def _moment(value: datetime | str) -> datetime:
    """SQLite keeps times as text."""
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


@cache
def _parts() -> list[tuple[Any, str, tuple[str, ...], int]]:
    """Models of one row of activities: alias, columns left out, how many columns are left."""
    asked: list[tuple[Any, str, tuple[str, ...]]] = [
        (Activity, "a", ()),
        (User, "u", _NOT_OF_MEMBERS),
        (Namespace, "n", _NOT_OF_NAMESPACES),
        (Namespace, "p", _NOT_OF_NAMESPACES),
    ]
    return [
        (model, alias, without, len(model._meta.concrete_fields) - len(without))
        for model, alias, without in asked
    ]


@cache
def _activities_sql() -> str:
    columns = ", ".join(
        db.columns(model, alias, without=without) for model, alias, without, _size in _parts()
    )
    place = Namespace._meta.db_table
    return (
        f"SELECT {columns} FROM {Activity._meta.db_table} a "
        f"LEFT JOIN {User._meta.db_table} u ON u.id = a.actor_id "
        f"LEFT JOIN {place} n ON n.id = u.namespace_id "
        f"LEFT JOIN {place} p ON p.id = a.namespace_id"
    )
