"""Reading a member's news: how many, which, and how she wants to be told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from allauth.account.models import EmailAddress
from django.db import connection
from django.db.models import Count

from llmos.accounts.access import Viewer
from llmos.community.notifications.access import READ, UNREAD, visible_to
from llmos.community.notifications.kinds import FAMILIES
from llmos.community.notifications.models import Kind, Notification, Preferences
from llmos.community.threads.models import Reaction
from llmos.store import db

MOST_COUNTED = 100  # shown as 99+
_LOOKED_AT = 300  # unread rows; several may be one bundle
A_PAGE = 30
MOST_LINES = 30  # of unread news on one page; the rest comes up when these are seen
# What words need of the rows that news points to.
_SHOWN = (
    *(field.name for field in Notification._meta.concrete_fields),
    "actor__username",
    "post__number",
    "post__text",
    "post__language",
    "thread__title",
    "thread__language",
    "thread__address",
    "repository__full_name",
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """News that is shown as one line, newest first; `people` is how many did it.

    Of many only the newest and the oldest are at hand in `rows`.
    """

    ids: list[int]
    rows: list[Notification]
    people: int

    @property
    def first(self) -> Notification:
        return self.rows[0]


@dataclass(frozen=True, slots=True)
class News:
    """A page of the list."""

    unread: list[Bundle]
    earlier: list[Bundle]
    before: int | None  # the last one shown, where there are more


def unread_count(viewer: Viewer) -> int:
    """How many lines of news she has not looked at; no more than `MOST_COUNTED` are counted."""
    if viewer.user_id is None:
        return 0
    condition = visible_to(viewer)
    found = db.row(
        f"SELECT COUNT(DISTINCT u.bundle) FROM (SELECT n.bundle {condition.sql} "
        f"AND n.seen_at IS NULL AND {UNREAD} LIMIT {_LOOKED_AT}) AS u",
        condition.params,
    )
    return min(MOST_COUNTED, found[0]) if found else 0


def news_of(viewer: Viewer, *, family: str = "", before: int | None = None) -> News:
    """Unread news first, then what she saw, newest first; with `before` only what is older."""
    unread: list[Bundle] = []
    if before is None:
        unread = _bundled(_found(viewer, UNREAD, family, limit=_LOOKED_AT))
    found = _found(viewer, READ, family, limit=A_PAGE + 1, before=before)
    more = len(found) > A_PAGE
    return News(unread, _bundled(found[:A_PAGE]), found[A_PAGE - 1].pk if more else None)


def preferences_of(user_id: int) -> Preferences:
    return Preferences.objects.filter(pk=user_id).first() or Preferences(user_id=user_id)


def preferences_by_member(user_ids: Collection[int]) -> dict[int, Preferences]:
    """Of all these members; those who chose nothing have the defaults."""
    found = Preferences.objects.in_bulk(list(user_ids))
    return {pk: found.get(pk) or Preferences(user_id=pk) for pk in user_ids}


def mail_addresses(user_ids: Collection[int]) -> dict[int, str]:
    """Where mails of these members may go: only addresses that were verified.

    One that an administrator gave counts as verified; that is how `accounts` keeps it.
    """
    rows = EmailAddress.objects.filter(
        user_id__in=user_ids, verified=True, user__is_active=True
    ).order_by("primary", "pk")
    return dict(rows.values_list("user_id", "email"))


def addresses_of(user_id: int) -> set[str]:
    """Every verified address of a member, in lower case."""
    rows = EmailAddress.objects.filter(user_id=user_id, verified=True)
    return {email.lower() for email in rows.values_list("email", flat=True)}


def rows_of(ids: Collection[int]) -> list[Notification]:
    """News with what they are about, in the order of the ids; asked for access before."""
    if not ids:
        return []
    found = (
        Notification.objects.select_related("actor", "post", "thread", "repository")
        .only(*_SHOWN)
        .in_bulk(list(ids))
    )
    rows = [found[pk] for pk in ids if pk in found]
    for row in rows:
        if row.post is not None and row.thread is not None:
            row.post.thread = row.thread
    return rows


def bundles_of(ids: Collection[int]) -> list[Bundle]:
    """Chosen news as lines; whoever chose them asked for access."""
    rows = Notification.objects.filter(pk__in=ids).order_by("-at", "-pk")
    return _bundled([_Found(*row) for row in rows.values_list("pk", "bundle", "actor_id")])


class _Found(NamedTuple):
    pk: int
    bundle: str
    actor_id: int | None


def _found(
    viewer: Viewer, state: str, family: str, *, limit: int, before: int | None = None
) -> list[_Found]:
    if viewer.user_id is None:
        return []
    condition = visible_to(viewer)
    sql, params = (
        f"SELECT n.id, n.bundle, n.actor_id {condition.sql} AND {state}",
        list(condition.params),
    )
    kinds = FAMILIES.get(family, ())
    if kinds:
        sql += f" AND n.kind IN ({db.marks(kinds)})"
        params += [str(kind) for kind in kinds]
    if before is not None:
        at = Notification.objects.filter(pk=before, user_id=viewer.user_id)
        moment = at.values_list("at", flat=True).first()
        if moment is None:
            return []
        sql += " AND (n.at, n.id) < (%s, %s)"
        params += [connection.ops.adapt_datetimefield_value(moment), before]
    found = db.rows(f"{sql} ORDER BY n.at DESC, n.id DESC LIMIT {limit}", params)
    return [_Found(*row) for row in found]


def _bundled(found: Sequence[_Found]) -> list[Bundle]:
    """What belongs together as one line, where the newest stands."""
    together: dict[str, list[_Found]] = {}
    for one in found:
        together.setdefault(one.bundle, []).append(one)
    shown = list(together.values())[:MOST_LINES]
    rows = {row.pk: row for row in rows_of([one.pk for group in shown for one in _ends(group)])}
    counts = _reactors(list(rows.values()))
    return [
        Bundle(
            [one.pk for one in group],
            [rows[one.pk] for one in _ends(group)],
            counts.get(group[0].pk) or len({one.actor_id for one in group} - {None}),
        )
        for group in shown
    ]


def _ends(group: list[_Found]) -> list[_Found]:
    return [group[0], group[-1]] if len(group) > 1 else group


def _reactors(rows: list[Notification]) -> dict[int, int]:
    """How many people reacted to the posts of these news; they are one row each."""
    posts = {
        row.post_id: row for row in rows if row.kind == Kind.REACTION and row.post_id is not None
    }
    if not posts:
        return {}
    found = (
        Reaction.objects.filter(post_id__in=list(posts))
        .exclude(user_id=rows[0].user_id)
        .values_list("post_id")
        .annotate(people=Count("user_id", distinct=True))
    )
    return {posts[post_id].pk: people for post_id, people in found}
