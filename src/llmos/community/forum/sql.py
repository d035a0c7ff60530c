"""What every topic's page and every list of topics reads, by hand-written SQL (see threads/sql)."""

from collections.abc import Collection

from llmos.community.forum.models import Category, Topic
from llmos.community.threads.models import State, Thread
from llmos.store import db

# What lists of topics do not show; a moment or JSON takes longer to read than the rest of a row.
_THREAD = ("repository", "namespace", "state_reason", "published_at", "created_at")
_TOPIC = ("answer", "accepted_by", "similar", "routed_at", "counted")


def topic_of(thread: Thread) -> Topic | None:
    """The forum's own row of a thread, with its category."""
    found = db.row(
        f"SELECT {db.columns(Topic, 't')}, {db.columns(Category, 'c')} "
        f"FROM {Topic._meta.db_table} t JOIN {Category._meta.db_table} c ON c.id = t.category_id "
        "WHERE t.thread_id = %s",
        (thread.pk,),
    )
    if found is None:
        return None
    split = len(Topic._meta.concrete_fields)
    topic = db.instance(Topic, found[:split])
    db.attach(topic, category=db.instance(Category, found[split:]), thread=thread)
    db.attach(thread, topic=topic)
    return topic


def category_named(slug: str) -> Category | None:
    found = db.instances(Category, "WHERE m.slug = %s", (slug,))
    return found[0] if found else None


def all_categories() -> list[Category]:
    """In the order of the list, the retired ones too."""
    return db.instances(Category, "ORDER BY m.place, m.id")


def latest_threads() -> dict[int, Thread]:
    """The topic of each category in which something was written last."""
    newest = (
        f"SELECT h.id FROM {Thread._meta.db_table} h WHERE h.shelf = c.id "
        f"AND h.place = '{Thread.Place.TOPIC.value}' AND h.state = '{State.VISIBLE.value}' "
        "ORDER BY h.bumped_at DESC, h.id DESC LIMIT 1"
    )
    found = db.rows(f"SELECT ({newest}) FROM {Category._meta.db_table} c")
    threads = shown_threads([pk for (pk,) in found if pk is not None])
    return {thread.shelf: thread for thread in threads}


def latest_ids(category: Category | None, rows: int) -> list[int]:
    """Topics in the order of their last posts; those pinned in a category stand above its list."""
    shelf = "" if category is None else "AND h.shelf = %s AND NOT h.is_pinned "
    found = db.rows(
        f"SELECT h.id FROM {Thread._meta.db_table} h WHERE h.place = '{Thread.Place.TOPIC.value}' "
        f"AND h.state = '{State.VISIBLE.value}' {shelf}"
        "ORDER BY h.bumped_at DESC, h.id DESC LIMIT %s",
        (rows,) if category is None else (category.pk, rows),
    )
    return [pk for (pk,) in found]


def pinned_ids(category: Category) -> list[int]:
    """Topics that are pinned in a category."""
    found = db.rows(
        f"SELECT h.id FROM {Thread._meta.db_table} h WHERE h.place = '{Thread.Place.TOPIC.value}' "
        "AND h.shelf = %s AND h.is_pinned",
        (category.pk,),
    )
    return [pk for (pk,) in found]


def shown_threads(ids: Collection[int]) -> list[Thread]:
    """Threads as ordered, with the forum's rows of them; less what was hidden a moment ago."""
    if not ids:
        return []
    found = db.rows(
        f"SELECT {db.columns(Thread, 'h', without=_THREAD)}, "
        f"{db.columns(Topic, 't', without=_TOPIC)} FROM {Topic._meta.db_table} t "
        f"JOIN {Thread._meta.db_table} h ON h.id = t.thread_id "
        f"WHERE t.thread_id IN ({db.marks(ids)}) AND h.state = '{State.VISIBLE.value}'",
        tuple(ids),
    )
    split = len(Thread._meta.concrete_fields) - len(_THREAD)
    by_id: dict[int, Thread] = {}
    for row in found:
        thread = db.instance(Thread, row[:split], without=_THREAD)
        db.attach(thread, topic=db.instance(Topic, row[split:], without=_TOPIC))
        by_id[thread.pk] = thread
    return [by_id[pk] for pk in ids if pk in by_id]
