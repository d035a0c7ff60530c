"""The home feed: what happened around that which a member follows, and why she sees it.

An activity is in a feed if it is about something that the member follows, is a note of her own,
or is popular in a language that she reads (`recording.POPULAR_FROM`). Two orders:

- by time: newest first;
- by interest: points, highest first. The day of the activity is its first points, so each day
  of age costs one; half a point more for each followed thing that it is about (three count), half
  a point for each doubling of its reactions, half a point when it is in a language that she
  reads; a like counts one less. Of the newest two hundred.

Work is bounded: candidates come from one index in slices of time, and only those shown are read.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from llmos.accounts.access import Viewer
from llmos.community.social.access import Seen, seen
from llmos.community.social.models import About, Activity
from llmos.community.social.queries import FOLLOWED
from llmos.community.social.reading import (
    activities_of,
    kept_out,
    languages_written,
    weights_of,
)
from llmos.store import db

ITEMS_A_PAGE = 20
BY_INTEREST = 200  # activities that are compared
MOST_ROUNDS = 8  # of candidates for one page, when she may see hardly any of them
_SLICES = (timedelta(days=7), timedelta(days=60), timedelta(days=36_500))
_HIDDEN = 4  # entries of a page that may be hidden before it is read for again
_REASONS = 12  # for which an activity is in a feed, on average at most

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which feed: followed things or everything here, in which order, with which filters."""

    everything: bool = False
    by_interest: bool = False
    kind: str = ""
    language: str = ""
    cursor: str = ""
    size: int = ITEMS_A_PAGE


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Seen]
    cursor: str  # of the next page; empty at the end


@dataclass(slots=True)
class _Candidate:
    id: int
    why: list[Pair] = field(default_factory=list)


def home_feed(viewer: Viewer, wish: Wish, *, reads: Iterable[str] = ()) -> Page:
    """A page of the feed; `reads` are the languages of the page. Without an account: everything."""
    if viewer.user_id is None:
        wish = replace(wish, everything=True)
    languages = languages_of(viewer.user_id, reads)
    if wish.by_interest:
        return _by_interest(viewer, wish, languages)
    return _by_time(viewer, wish, languages)


def languages_of(user_id: int | None, reads: Iterable[str]) -> list[str]:
    """Those of the page and of what she wrote lately."""
    found = {language[:2] for language in reads if language}
    if user_id is not None:
        found |= {one[:2] for one in languages_written(user_id)}
    return sorted(found)


def count_new(viewer: Viewer, since: datetime, *, most: int, reads: Iterable[str] = ()) -> int:
    """How many activities are newer than a moment, as far as it is worth counting."""
    languages = languages_of(viewer.user_id, reads)
    found = _candidates(viewer, Wish(), languages, before=None, since=since, most=most)
    return min(most, len(found))


def _by_time(viewer: Viewer, wish: Wish, languages: Sequence[str]) -> Page:
    items: list[Seen] = []
    before = _place(wish.cursor)
    most = wish.size + _HIDDEN
    for _round in range(MOST_ROUNDS):
        found = _candidates(viewer, wish, languages, before=before, most=most)
        why = {one.id: tuple(one.why) for one in found}
        activities = activities_of(list(why))
        shown = {one.activity.pk: one for one in _shown(viewer, activities)}
        for activity in activities:
            if activity.pk in shown:
                items.append(replace(shown[activity.pk], why=why[activity.pk]))
            before = (activity.at, activity.pk)
            if len(items) == wish.size:
                return Page(items, _cursor(before))
        if len(found) < most:
            return Page(items, "")
        most = 2 * wish.size
    return Page(items, _cursor(before) if before else "")


def _by_interest(viewer: Viewer, wish: Wish, languages: Sequence[str]) -> Page:
    found = _candidates(viewer, wish, languages, before=None, most=BY_INTEREST)
    why = {one.id: tuple(one.why) for one in found}
    rows = weights_of(list(why))
    ranked = sorted(
        (
            (
                points(at, ties=len(why[pk]), warmth=warmth, reads=language in languages)
                - (kind == Activity.Kind.LIKE),
                pk,
            )
            for pk, at, kind, warmth, language in rows
        ),
        reverse=True,
    )
    below = _rank(wish.cursor)
    left = [one for one in ranked if below is None or one < below]
    items: list[Seen] = []
    for start in range(0, len(left), wish.size + _HIDDEN):
        part = left[start : start + wish.size + _HIDDEN]
        shown = _shown(viewer, activities_of([pk for _points, pk in part]))
        by_id = {one.activity.pk: one for one in shown}
        for place in part:
            if place[1] in by_id:
                items.append(replace(by_id[place[1]], why=why[place[1]]))
            if len(items) == wish.size:
                return Page(items, f"{place[0]!r}_{place[1]}" if place != left[-1] else "")
    return Page(items, "")


def points(at: datetime, *, ties: int, warmth: int, reads: bool) -> float:
    """How interesting an activity is; its day is in it, so age alone never swaps two."""
    day = at.timestamp() / 86_400
    return round(
        day + 0.5 * min(ties, 3) + 0.5 * math.log2(1 + warmth) + (0.5 if reads else 0.0), 6
    )


def _shown(viewer: Viewer, activities: list[Activity]) -> list[Seen]:
    out = kept_out(viewer, activities)
    return seen(viewer, [one for one in activities if one.pk not in out])


def _candidates(
    viewer: Viewer,
    wish: Wish,
    languages: Sequence[str],
    *,
    before: tuple[datetime, int] | None,
    most: int,
    since: datetime | None = None,
) -> list[_Candidate]:
    """Newest first; looks further back only when the last days have too few."""
    start = before[0] if before else datetime.now(UTC) + timedelta(days=1)
    found: list[_Candidate] = []
    for slice_ in _SLICES:
        oldest = since or start - slice_ if slice_ != _SLICES[-1] else since
        rows = _rows(viewer, wish, languages, before=before, oldest=oldest, most=most)
        found = _grouped(rows, most)
        if len(found) >= most or since is not None:
            break
    return found


def _grouped(rows: Iterator[tuple[int, str, str]], most: int) -> list[_Candidate]:
    found: list[_Candidate] = []
    for pk, kind, target in rows:
        if not found or found[-1].id != pk:
            if len(found) == most:
                break
            found.append(_Candidate(pk))
        if kind:
            found[-1].why.append((kind, target))
    return found


def _rows(
    viewer: Viewer,
    wish: Wish,
    languages: Sequence[str],
    *,
    before: tuple[datetime, int] | None,
    oldest: datetime | None,
    most: int,
) -> Iterator[tuple[int, str, str]]:
    """Activity, and kind and target of what it is about; the same activity's stand together."""
    if wish.everything:
        yield from _everything(wish, before=before, oldest=oldest, most=most)
        return
    limits, values = _limits(wish, "s", "s.activity_id", before=before, oldest=oldest)
    joined = f" JOIN {_ACTIVITY} a ON a.id = s.activity_id" if wish.kind or wish.language else ""
    # CROSS JOIN keeps SQLite from walking all activities to look each up among the follows.
    followed = (
        f"SELECT s.at AS at, s.activity_id AS id, s.kind AS kind, s.target AS target "
        f"FROM threads_watch w CROSS JOIN {_ABOUT} s{joined} "
        "WHERE w.user_id = %s AND w.level >= %s AND s.kind = w.kind AND s.target = w.target"
        f"{limits}"
    )
    unsaid = [(About.OWN, str(viewer.user_id)), *((About.LANGUAGE, one) for one in languages)]
    without_asking = " UNION ALL ".join(
        f"SELECT s.at AS at, s.activity_id AS id, s.kind AS kind, s.target AS target "
        f"FROM {_ABOUT} s{joined} WHERE s.kind = %s AND s.target = %s{limits}"
        for _pair in unsaid
    )
    params: list[Any] = [viewer.user_id, FOLLOWED, *values]
    for kind, target in unsaid:
        params += [kind, target, *values]
    sql = (
        f"SELECT id, kind, target FROM ({followed} UNION ALL {without_asking}) AS found "
        "ORDER BY at DESC, id DESC"
    )
    yield from db.rows(f"{sql} LIMIT {_REASONS * most}", params)


def _everything(
    wish: Wish, *, before: tuple[datetime, int] | None, oldest: datetime | None, most: int
) -> Iterator[tuple[int, str, str]]:
    limits, values = _limits(wish, "a", "a.id", before=before, oldest=oldest)
    rows = db.rows(
        f"SELECT a.id FROM {_ACTIVITY} a WHERE 1 = 1{limits} "
        f"ORDER BY a.at DESC, a.id DESC LIMIT {most}",
        values,
    )
    for (pk,) in rows:
        yield pk, "", ""


def _limits(
    wish: Wish,
    alias: str,
    number: str,
    *,
    before: tuple[datetime, int] | None,
    oldest: datetime | None,
) -> tuple[str, list[Any]]:
    """` AND …` with its parameters: the slice of time, and what the filters want."""
    limits = ""
    values: list[Any] = []
    moment = connection.ops.adapt_datetimefield_value
    if oldest is not None:
        limits += f" AND {alias}.at > %s"
        values.append(moment(oldest))
    if before is not None:
        limits += f" AND {alias}.at <= %s AND ({alias}.at < %s OR {number} < %s)"
        values += [moment(before[0]), moment(before[0]), before[1]]
    for column, value in (("kind", wish.kind), ("language", wish.language)):
        if value:
            limits += f" AND a.{column} = %s"
            values.append(value)
    return limits, values


def _cursor(place: tuple[datetime, int]) -> str:
    return f"{(place[0] - _EPOCH) // _MICROSECOND}_{place[1]}"


def _place(cursor: str) -> tuple[datetime, int] | None:
    """What no page gave out counts as the beginning."""
    number, _underscore, pk = cursor.partition("_")
    if not (number.isdecimal() and pk.isdecimal() and len(number) < 20 and len(pk) < 19):
        return None
    try:
        return _EPOCH + int(number) * _MICROSECOND, int(pk)
    except OverflowError:
        return None


def _rank(cursor: str) -> tuple[float, int] | None:
    number, _underscore, pk = cursor.partition("_")
    try:
        return (float(number), int(pk)) if len(cursor) < 60 else None
    except ValueError:
        return None


_ACTIVITY = Activity._meta.db_table
_ABOUT = About._meta.db_table
