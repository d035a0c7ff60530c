"""Who follows what, what members gave, and the newest activities about one thing."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncMonth
from django.utils import timezone

from llmos.accounts.access import Viewer
from llmos.accounts.models import Organisation, User
from llmos.community.social.access import Seen, Subject, seen, subjects
from llmos.community.social.models import About, Activity, Visit
from llmos.community.social.reading import activities_of
from llmos.community.threads.models import Tag, Watch
from llmos.community.trust.models import Credit
from llmos.hub.models import Repository
from llmos.store import db

FOLLOWED = Watch.Level.FOLLOWING
MONTHS_SHOWN = 12
# What others see of a member's follows, and what she sees herself.
SHOWN_KINDS = (Watch.Kind.MEMBER, Watch.Kind.ORGANISATION)
OWN_KINDS = (*SHOWN_KINDS, Watch.Kind.REPOSITORY, Watch.Kind.TAG, Watch.Kind.TASK)


@dataclass(frozen=True, slots=True)
class Month:
    """What a member gave in one month, by kind."""

    first: date
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def follows(user_id: int | None, kind: str, target: str) -> bool:
    if user_id is None:
        return False
    rows = Watch.objects.filter(user_id=user_id, kind=kind, target=target, level__gte=FOLLOWED)
    return rows.exists()


def followed_among(user_id: int | None, wanted: Collection[Subject]) -> set[tuple[str, str]]:
    """Those of some subjects that a member follows, as pairs."""
    if user_id is None or not wanted:
        return set()
    rows = Watch.objects.filter(
        user_id=user_id,
        kind__in={one.kind for one in wanted},
        target__in={one.target for one in wanted},
        level__gte=FOLLOWED,
    )
    return set(rows.values_list("kind", "target"))


def count_followers(kind: str, target: str) -> int:
    rows = Watch.objects.filter(kind=kind, target=target, level__gte=FOLLOWED)
    return rows.filter(user__is_active=True).count()


def count_following(user_id: int) -> int:
    """How many members a member follows."""
    return _followed_by(user_id, [Watch.Kind.MEMBER]).count()


def followers_of(kind: str, target: str, *, limit: int, before: int | None = None) -> list[Watch]:
    """Latest first, with their members; `before` is the last row's id of the page before."""
    found = Watch.objects.filter(
        kind=kind, target=target, level__gte=FOLLOWED, user__is_active=True
    )
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.select_related("user__namespace").order_by("-pk")[:limit])


def following_of(
    viewer: Viewer,
    user_id: int,
    *,
    limit: int,
    before: int | None = None,
    kinds: Sequence[str] = SHOWN_KINDS,
) -> tuple[list[Subject], int | None]:
    """What a member follows, latest first, as far as the viewer may know, and the next `before`."""
    rows = _followed_by(user_id, kinds)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk").values_list("pk", "kind", "target")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    known = subjects(viewer, [(kind, target) for _pk, kind, target in found])
    shown = [known[kind, target] for _pk, kind, target in found if (kind, target) in known]
    return shown, found[-1][0] if more else None


def count_followed(user_id: int) -> int:
    """How many things of any kind a member follows; threads that she watches are none."""
    return _followed_by(user_id, OWN_KINDS).count()


def overview_facts(viewer: Viewer, namespace_id: int) -> dict[str, int]:
    """Followers and followed members, in the words of overviews."""
    user_id = User.objects.filter(namespace_id=namespace_id).values_list("pk", flat=True).first()
    if user_id is not None:
        kind, target = Watch.Kind.MEMBER, str(user_id)
        counts = {"numFollowing": count_following(user_id)}
    else:
        found = Organisation.objects.filter(namespace_id=namespace_id).values_list("pk", flat=True)
        kind, target, counts = Watch.Kind.ORGANISATION, str(found.first()), {}
    return {
        **counts,
        "numFollowers": count_followers(kind, target),
        "isFollowing": follows(viewer.user_id, kind, target),
    }


def latest(
    viewer: Viewer,
    kind: str,
    target: str,
    *,
    limit: int,
    kinds: Collection[str] = (),
    before: int | None = None,
) -> list[Seen]:
    """The newest activities about one thing that the viewer may see.

    `before` is an activity's id of the page before; `kinds` limits what is told.
    """
    rows = About.objects.filter(kind=kind, target=target)
    if kinds:
        rows = rows.filter(activity__kind__in=kinds)
    if before is not None:
        last = Activity.objects.filter(pk=before).values_list("at", flat=True).first()
        rows = rows.filter(at__lte=last).exclude(at=last, activity_id__gte=before) if last else rows
    # Some may be hidden from her; where a page would stay short of many, it is short.
    ids = list(
        rows.order_by("-at", "-activity_id").values_list("activity_id", flat=True)[: 2 * limit]
    )
    return seen(viewer, activities_of(ids))[:limit]


def seen_until(user_id: int) -> datetime | None:
    """Up to when a member has marked her feed as seen."""
    visit = Visit.objects.filter(pk=user_id)
    return visit.values_list("seen_at", flat=True).first()


def credits_by_kind(user_id: int) -> dict[str, int]:
    """How often a member was credited, by kind of contribution; all kinds, in their order."""
    rows = Credit.objects.filter(user_id=user_id).values_list("kind").annotate(count=Count("id"))
    return {**dict.fromkeys(Credit.Kind.values, 0), **dict(rows)}


def credits_by_month(user_id: int) -> list[Month]:
    """The last twelve months, oldest first, the empty ones too."""
    this = timezone.localdate().replace(day=1)
    firsts = [this]
    while len(firsts) < MONTHS_SHOWN:
        firsts.append((firsts[-1] - timedelta(days=1)).replace(day=1))
    counts: dict[date, dict[str, int]] = {first: {} for first in reversed(firsts)}
    rows = (
        Credit.objects.filter(user_id=user_id, at__gte=timezone.now() - timedelta(days=370))
        .annotate(month=TruncMonth("at"))
        .values_list("month", "kind")
        .annotate(count=Count("id"))
    )
    for moment, kind, count in rows:
        first = timezone.localtime(moment).date()
        if first in counts:
            counts[first][kind] = count
    return [Month(first, found) for first, found in counts.items()]


def credits_of(user_id: int, kind: str, *, limit: int, before: int | None = None) -> list[Credit]:
    """One kind of contributions, latest first; `before` is the last id of the page before."""
    found = Credit.objects.filter(user_id=user_id, kind=kind)
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-pk")[:limit])


def suggestions(viewer: Viewer, *, each: int) -> dict[str, list[Subject]]:
    """What somebody who follows little may want to follow: busy members, repositories, tags."""
    latest = db.row(
        f"SELECT id, at FROM {Activity._meta.db_table} ORDER BY at DESC, id DESC LIMIT 1"
    )
    wanted = _busiest(latest, 3 * each)
    known = subjects(viewer, [(kind, one) for kind, some in wanted.items() for one in some])
    taken = followed_among(viewer.user_id, list(known.values())) | _own(viewer, known.values())
    return {
        kind: [known[kind, one] for one in some if (kind, one) in known.keys() - taken][:each]
        for kind, some in wanted.items()
    }


@lru_cache(maxsize=8)
def _busiest(_latest: tuple[Any, ...] | None, many: int) -> dict[str, list[str]]:
    """What anybody may be shown, by kind; the same until there is a newer activity."""
    public = Repository.objects.filter(visibility="public", disabled=False)
    recent = Activity.objects.order_by("-at", "-id").values_list("actor_id", flat=True)[:300]
    busy = dict.fromkeys(pk for pk in recent if pk is not None)
    rising = public.order_by("-trending", "-likes", "-id").values_list("pk", flat=True)
    tags = Tag.objects.filter(threads_count__gt=0).order_by("-threads_count", "pk")
    tasks = (
        public.exclude(pipeline_tag="")
        .values_list("pipeline_tag", flat=True)
        .annotate(count=Count("id"))
        .order_by("-count", "pipeline_tag")
    )
    return {
        Watch.Kind.MEMBER: [str(pk) for pk in busy][:many],
        Watch.Kind.REPOSITORY: [str(pk) for pk in rising[:many]],
        Watch.Kind.TAG: [str(pk) for pk in tags.values_list("pk", flat=True)[:many]],
        Watch.Kind.TASK: list(tasks[:many]),
    }


def _own(viewer: Viewer, known: Iterable[Subject]) -> set[tuple[str, str]]:
    """She herself, and her repositories."""
    places = ((one, one.repository.namespace if one.repository else one.namespace) for one in known)
    return {(one.kind, one.target) for one, place in places if place and place.name == viewer.name}


def _followed_by(user_id: int, kinds: Collection[str]) -> QuerySet[Watch]:
    return Watch.objects.filter(user_id=user_id, kind__in=kinds, level__gte=FOLLOWED)
