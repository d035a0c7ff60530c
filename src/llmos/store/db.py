"""Rows by hand-written SQL, for the few paths where an ORM query costs more than the answer.

Model instances come back, so callers never see two shapes of one row. Placeholders are
`%s` on both SQLite and PostgreSQL.
"""

import threading
from collections.abc import Callable, Sequence, Sized
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.base import ModelState

M = TypeVar("M", bound=models.Model)


def rows(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    return list(_executed(sql, params).fetchall())


def row(sql: str, params: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    found: tuple[Any, ...] | None = _executed(sql, params).fetchone()
    return found


def _executed(sql: str, params: Sequence[Any]) -> Any:
    """A cursor with the answer.

    On SQLite the driver is asked itself: Django's cursor rewrites the placeholders of each
    statement anew, which takes longer than the point read.
    """
    wrapper = _wrapper()
    if wrapper.vendor != "sqlite":
        cursor = wrapper.cursor()
        cursor.execute(sql, params)
        return cursor
    wrapper.ensure_connection()
    with wrapper.wrap_database_errors:
        return wrapper.connection.execute(_with_question_marks(sql), params)


@lru_cache(maxsize=500)
def _with_question_marks(sql: str) -> str:
    return sql.replace("%s", "?").replace("%%", "%")


def marks(values: Sized) -> str:
    """Placeholders for `IN (…)`, one for each value."""
    return ", ".join(["%s"] * len(values))


def columns(model: type[models.Model], alias: str, *, without: Sequence[str] = ()) -> str:
    """`a.id, a.name, …`: the columns of a model, in the order that `instance` expects.

    Those left out are read when somebody asks the instance for them.
    """
    quote = _wrapper().ops.quote_name
    fields = _layout(model, tuple(without)).fields
    return ", ".join(f"{alias}.{quote(field.column)}" for field in fields)


def instance(model: type[M], values: Sequence[Any], *, without: Sequence[str] = ()) -> M:
    """A model instance from a row selected with `columns`; dates and JSON are decoded."""
    layout = _layout(model, tuple(without))
    decoded = list(values)
    wrapper = _wrapper()
    for index, convert in layout.converters:
        decoded[index] = convert(decoded[index], None, wrapper)
    # What `from_db` leaves behind, without asking each field: the constructor takes three to four
    # times as long. A column that is not there is read by Django's descriptor when asked for.
    made = model.__new__(model)
    made.__dict__.update(zip(layout.names, decoded, strict=True), _state=ModelState())
    made._state.adding, made._state.db = False, DEFAULT_DB_ALIAS
    return made


def instances(
    model: type[M], where: str, params: Sequence[Any] = (), *, without: Sequence[str] = ()
) -> list[M]:
    """Rows of a model by the end of a statement: `WHERE m.id = %s`, an order; `m` is its alias."""
    found = rows(
        f"SELECT {columns(model, 'm', without=without)} FROM {model._meta.db_table} m {where}",
        params,
    )
    return [instance(model, row, without=without) for row in found]


def attach(made: models.Model, **related: models.Model) -> None:
    """Give an instance related ones that were read with it, by the names of its attributes.

    The caller knows that they belong together: nothing is checked.
    """
    made._state.fields_cache.update(related)


class _Layout(NamedTuple):
    fields: Sequence[Any]
    names: Sequence[str]
    converters: Sequence[tuple[int, Callable[..., Any]]]  # of columns handed over undecoded


@cache
def _layout(model: type[models.Model], without: tuple[str, ...]) -> _Layout:
    wrapper = _wrapper()
    fields = [field for field in model._meta.concrete_fields if field.name not in without]
    converters = [
        (index, convert)
        for index, field in enumerate(fields)
        for column in [field.get_col(model._meta.db_table)]
        for convert in (
            *wrapper.ops.get_db_converters(column),
            *column.get_db_converters(wrapper),
        )
    ]
    names = [field.attname for field in fields]
    return _Layout(fields, names, converters)


_of_this_thread = threading.local()


def _wrapper() -> Any:
    """Django's connection of this thread; its own look-up costs a tenth of a point read."""
    try:
        return _of_this_thread.wrapper
    except AttributeError:
        _of_this_thread.wrapper = connections[DEFAULT_DB_ALIAS]
        return _of_this_thread.wrapper
