"""Rows by hand-written SQL, for the few paths where an ORM query costs more than the answer.

Model instances come back, so callers never see two shapes of one row. Placeholders are
`%s` on both SQLite and PostgreSQL.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


def rows(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def row(sql: str, params: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found: tuple[Any, ...] | None = cursor.fetchone()
        return found


def columns(model: type[models.Model], alias: str) -> str:
    """`a.id, a.name, …`: every column of a model, in the order that `instance` expects."""
    quote = connection.ops.quote_name
    return ", ".join(f"{alias}.{quote(f.column)}" for f in model._meta.concrete_fields)


def instance(model: type[M], values: Sequence[Any]) -> M:
    """A model instance from a row selected with `columns`; JSON columns are decoded."""
    fields = model._meta.concrete_fields
    decoded = [
        field.from_db_value(value, None, connection)
        if hasattr(field, "from_db_value")
        else _from_column(field, value)
        for field, value in zip(fields, values, strict=True)
    ]
    return model.from_db(connection.alias, [f.attname for f in fields], decoded)


def _from_column(field: Any, value: Any) -> Any:
    for convert in connection.ops.get_db_converters(_Column(field)):
        value = convert(value, None, connection)
    return value


class _Column:
    """As much of an expression as Django's per-back-end converters look at."""

    def __init__(self, field: Any) -> None:
        self.output_field = field
