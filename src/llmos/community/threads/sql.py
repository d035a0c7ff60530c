"""What every page of a conversation reads, by hand-written SQL.

An ORM query takes longer to put together than SQLite takes to answer it, and a page of a thread
needs half a dozen. Model instances come back; columns that pages do not show are read when
somebody asks for them.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from django.db.models import Model, QuerySet

from llmos.accounts.models import Namespace, User
from llmos.community.threads.models import Post, State, Tag, Thread, ThreadTag
from llmos.community.trust.models import Level, Standing
from llmos.hub.models import Repository
from llmos.store import db

M = TypeVar("M", bound=Model)

_USER = ("password", "last_login", "is_superuser", "email", "date_joined")
_NAMESPACE = ("bio", "website", "created_at")
_POST = ("text", "key", "edited_at")


def users_by_id(ids: Iterable[int | None]) -> dict[int, User]:
    """Members by id, with their namespaces and the level of their standing."""
    wanted = sorted({one for one in ids if one is not None})
    if not wanted:
        return {}
    found = db.rows(f"{_people()} WHERE u.id IN ({db.marks(wanted)})", wanted)
    members = (_member(row) for row in found)
    return {member.pk: member for member in members}


class Person(NamedTuple):
    """What a list or a conversation shows of a member."""

    username: str
    avatar: str  # file name in the home's media folder, or empty
    level: int


def people_by_id(ids: Iterable[int | None]) -> dict[int, Person]:
    wanted = sorted({one for one in ids if one is not None})
    if not wanted:
        return {}
    found = db.rows(
        f"SELECT u.id, u.username, n.avatar, s.level FROM {User._meta.db_table} u "
        f"JOIN {Namespace._meta.db_table} n ON n.id = u.namespace_id "
        f"LEFT JOIN {Standing._meta.db_table} s ON s.user_id = u.id "
        f"WHERE u.id IN ({db.marks(wanted)})",
        wanted,
    )
    # A standing that was never written is that of somebody new.
    return {pk: Person(name, avatar, level or Level.NEW) for pk, name, avatar, level in found}


def thread_by_id(thread_id: int) -> Thread | None:
    """A thread with its author, repository and blog."""
    return threads_by_id([thread_id]).get(thread_id)


def threads_by_id(ids: Collection[int]) -> dict[int, Thread]:
    """Threads by id, with their authors, repositories and blogs."""
    if not ids:
        return {}
    made = db.instances(Thread, f"WHERE m.id IN ({db.marks(ids)})", tuple(ids))
    authors = users_by_id(thread.author_id for thread in made)
    for thread in made:
        thread.author = authors.get(thread.author_id or 0)
    # Most threads have neither.
    rows = Repository.objects.select_related("namespace")
    repositories = _named(rows, {thread.repository_id for thread in made})
    blogs = _named(Namespace.objects.all(), {thread.namespace_id for thread in made})
    for thread in made:
        if thread.repository_id is not None:
            thread.repository = repositories[thread.repository_id]
        if thread.namespace_id is not None:
            thread.namespace = blogs[thread.namespace_id]
    return {thread.pk: thread for thread in made}


def _named(rows: QuerySet[M], ids: set[int | None]) -> dict[int, M]:
    wanted = ids - {None}
    return rows.in_bulk(wanted) if wanted else {}


def posts_numbered(thread: Thread, numbers: Collection[int]) -> list[Post]:
    """Posts of a thread by their numbers, in order; for their authors see `people_by_id`."""
    if not numbers:
        return []
    made = db.instances(
        Post,
        f"WHERE m.thread_id = %s AND m.number IN ({db.marks(numbers)}) ORDER BY m.number",
        (thread.pk, *numbers),
        without=_POST,
    )
    for post in made:
        db.attach(post, thread=thread)
    return made


def posts_by_id(ids: Collection[int]) -> dict[int, Post]:
    """Visible posts by id, with their texts and authors."""
    if not ids:
        return {}
    visible = f"AND m.state = '{State.VISIBLE.value}'"
    found = db.instances(Post, f"WHERE m.id IN ({db.marks(ids)}) {visible}", tuple(ids))
    authors = users_by_id(post.author_id for post in found)
    for post in found:
        if post.author_id is not None:
            db.attach(post, author=authors[post.author_id])
    return {post.pk: post for post in found}


def threads_of_posts(ids: Collection[int]) -> dict[int, int]:
    """The thread of each visible post, by id."""
    if not ids:
        return {}
    return dict(
        db.rows(
            f"SELECT p.id, p.thread_id FROM {Post._meta.db_table} p "
            f"WHERE p.id IN ({db.marks(ids)}) AND p.state = '{State.VISIBLE.value}'",
            tuple(ids),
        )
    )


def tags_of(thread_ids: Collection[int]) -> dict[int, list[Tag]]:
    """Tags by thread, in the order in which they were given."""
    if not thread_ids:
        return {}
    found = db.rows(
        f"SELECT x.thread_id, {db.columns(Tag, 't')} FROM {ThreadTag._meta.db_table} x "
        f"JOIN {Tag._meta.db_table} t ON t.id = x.tag_id "
        f"WHERE x.thread_id IN ({db.marks(thread_ids)}) ORDER BY x.id",
        tuple(thread_ids),
    )
    by_thread: dict[int, list[Tag]] = {}
    for thread_id, *row in found:
        by_thread.setdefault(thread_id, []).append(db.instance(Tag, row))
    return by_thread


@cache
def _people() -> str:
    return (
        f"SELECT s.level, {db.columns(User, 'u', without=_USER)}, "
        f"{db.columns(Namespace, 'n', without=_NAMESPACE)} FROM {User._meta.db_table} u "
        f"JOIN {Namespace._meta.db_table} n ON n.id = u.namespace_id "
        f"LEFT JOIN {Standing._meta.db_table} s ON s.user_id = u.id"
    )


def _member(row: Sequence[Any]) -> User:
    level, *columns = row
    split = len(User._meta.concrete_fields) - len(_USER)
    member = db.instance(User, columns[:split], without=_USER)
    namespace = db.instance(Namespace, columns[split:], without=_NAMESPACE)
    # Nobody asks again for a standing that was never written: that of somebody new.
    known = (member.pk, level or Level.NEW)
    standing = db.instance(Standing, known, without=_all_but_level())
    db.attach(member, namespace=namespace, standing=standing)
    return member


@cache
def _all_but_level() -> tuple[str, ...]:
    names = (field.name for field in Standing._meta.concrete_fields)
    return tuple(name for name in names if name not in ("user", "level"))
