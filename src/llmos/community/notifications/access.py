"""Which news a member may see now. What it is about may have become private since it was told.

Lists, counts, single looks and mails all ask the same condition, which lives here as SQL.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from llmos.accounts.access import Viewer
from llmos.community.notifications.errors import NotificationNotFound
from llmos.community.notifications.kinds import OF_A_POST
from llmos.community.notifications.models import Notification
from llmos.community.threads.models import Post, Reading, Thread
from llmos.hub.access import visible_sql
from llmos.hub.models import Repository
from llmos.kit.time import now
from llmos.store import db

_KINDS_OF_A_POST = ", ".join(f"'{kind}'" for kind in OF_A_POST)

# A post that she has read in its thread is no news any more.
_READ = (
    f"(n.seen_at IS NOT NULL OR (n.kind IN ({_KINDS_OF_A_POST}) AND n.post_id IS NOT NULL "
    "AND p.number <= COALESCE(g.last_number, 0)))"
)
UNREAD = f"NOT {_READ}"
READ = _READ


@dataclass(frozen=True, slots=True)
class Condition:
    """What follows FROM: tables `n` (the news), `p` its post, `t` its thread; and parameters."""

    sql: str
    params: list[Any]


def visible_to(viewer: Viewer) -> Condition:
    """The member's own news, less what is about something that she may not see."""
    seen, params = visible_sql(viewer, "r")
    sql = f"""
        FROM {Notification._meta.db_table} n
        LEFT JOIN {Post._meta.db_table} p ON p.id = n.post_id
        LEFT JOIN {Thread._meta.db_table} t ON t.id = n.thread_id
        LEFT JOIN {Reading._meta.db_table} g ON g.user_id = n.user_id AND g.thread_id = n.thread_id
        LEFT JOIN {Repository._meta.db_table} r
            ON r.id = COALESCE(n.repository_id, t.repository_id)
        WHERE n.user_id = %s AND n.in_app
            AND (p.id IS NULL OR p.state = 'visible' OR p.author_id = %s)
            AND (t.id IS NULL OR (t.state = 'visible' AND t.published_at <= %s)
                OR t.author_id = %s)
            AND (r.id IS NULL OR {seen})"""
    moment = connection.ops.adapt_datetimefield_value(now())
    user = viewer.user_id
    return Condition(sql, [user, user, moment, user, *params])


def notification_for(viewer: Viewer, number: int) -> Notification:
    """Raises NotificationNotFound."""
    if number not in visible_ids(viewer, [number]):
        raise NotificationNotFound
    return Notification.objects.select_related("thread", "post", "repository").get(pk=number)


def visible_ids(viewer: Viewer, ids: list[int], *, unread: bool = False) -> set[int]:
    """Those of some news that she may see now, wherever they are shown."""
    if viewer.user_id is None or not ids:
        return set()
    condition = visible_to(viewer)
    places = db.marks(ids)
    more = f"AND {UNREAD}" if unread else ""
    # News that only goes out by mail is hers, too.
    sql = condition.sql.replace("AND n.in_app", "")
    found = db.rows(f"SELECT n.id {sql} AND n.id IN ({places}) {more}", [*condition.params, *ids])
    return {row[0] for row in found}
