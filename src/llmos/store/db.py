"""Rows by hand-written SQL, for the few paths where an ORM query costs more than the answer.

Model instances come back, so callers never see two shapes of one row. Placeholders are
`%s` on both SQLite and PostgreSQL.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


def rows(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def row(sql: str, params: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found: tuple[Any, ...] | None = cursor.fetchone()
        return found


def columns(model: type[models.Model], alias: str) -> str:
    """`a.id, a.name, …`: every column of a model, in the order that `instance` expects."""
    quote = connection.ops.quote_name
    return ", ".join(f"{alias}.{quote(field.column)}" for field in _fields(model))


def instance(model: type[M], values: Sequence[Any]) -> M:
    """A model instance from a row selected with `columns`; dates and JSON are decoded."""
    decoded = list(values)
    for index, convert in _converters(model, connection.vendor):
        decoded[index] = convert(decoded[index], None, connection)
    return model.from_db(connection.alias, [field.attname for field in _fields(model)], decoded)


@cache
def _converters(model: type[models.Model], vendor: str) -> list[tuple[int, Callable[..., Any]]]:
    """Which columns this back end hands over undecoded, and what decodes them."""
    return [
        (index, convert)
        for index, field in enumerate(_fields(model))
        for column in [field.get_col(model._meta.db_table)]
        for convert in (
            *connection.ops.get_db_converters(column),
            *column.get_db_converters(connection),
        )
    ]


@cache
def _fields(model: type[models.Model]) -> list[Any]:
    return list(model._meta.concrete_fields)
