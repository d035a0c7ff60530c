"""The one place where a command loads Django; `llmos --help` never comes here."""

import fcntl
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

import llmos
from llmos.cli.prepared import Preparation, code_fingerprint, is_prepared, write_preparation
from llmos.kit.home import Home, home_from_environment


def make_folders(home: Home) -> None:
    """The layout of a home; what exists stays as it is."""
    home.root.mkdir(mode=0o750, parents=True, exist_ok=True)
    for folder in (home.git, home.blobs, home.xorbs, home.uploads, home.media, home.run, home.logs):
        folder.mkdir(exist_ok=True)


def load_django() -> None:
    import django

    from llmos.kit.loading import uncollected

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmos.web.settings")
    with uncollected():
        django.setup(set_prefix=False)


def open_home() -> Home:
    """Load Django on the home, its tables brought up to date. Raises NewerDatabase."""
    home = home_from_environment()
    make_folders(home)
    load_django()
    if not is_prepared(home):
        migrate(home)
    return home


def migrate(home: Home) -> None:
    """Bring the tables up to the code, once, whoever else tries. Raises NewerDatabase."""
    from llmos.cli import tables

    with _alone(home):
        # Thousands of model classes are made here; collecting between them costs a fifth.
        gc.disable()
        tables.migrate()
        gc.enable()
        write_preparation(
            home,
            Preparation(
                fingerprint=code_fingerprint(), version=llmos.__version__, link_wanted=True
            ),
        )


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    with (home.run / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
