"""The one place where a command loads Django; `llmos --help` never comes here."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from llmos.cli.prepared import Preparation, code_fingerprint, is_prepared, write_preparation
from llmos.kit.errors import Conflict
from llmos.kit.home import Home, home_from_environment


class NewerDatabase(Conflict):
    """The database was written by a later release; this code must not touch it."""


def make_folders(home: Home) -> None:
    """The layout of a home; what exists stays as it is."""
    home.root.mkdir(mode=0o750, parents=True, exist_ok=True)
    for folder in (home.git, home.blobs, home.xorbs, home.uploads, home.media, home.run, home.logs):
        folder.mkdir(exist_ok=True)


def load_django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmos.web.settings")
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
    import gc

    from django.core.management import call_command

    with _alone(home):
        _refuse_newer()
        # Django renders some thousand model classes here; collecting between them costs a fifth.
        gc.disable()
        call_command("migrate", verbosity=0, interactive=False)
        gc.enable()
        write_preparation(
            home,
            Preparation(fingerprint=code_fingerprint(), version=_version(), link_wanted=True),
        )


def _refuse_newer() -> None:
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    ours = {label for label, _ in loader.disk_migrations}
    unknown = [
        f"{label}.{name}"
        for label, name in loader.applied_migrations
        if label in ours
        and (label, name) not in loader.disk_migrations
        and not _was_squashed(loader, label, name)
    ]
    if unknown:
        raise NewerDatabase(
            f"The database holds changes that this release ({_version()}) does not know "
            f"({', '.join(sorted(unknown)[:3])}): install the later release that wrote it, "
            "or restore a backup made before."
        )


def _was_squashed(loader: object, label: str, name: str) -> bool:
    replaced = [
        key
        for migration in loader.disk_migrations.values()  # type: ignore[attr-defined]  # Django's own loader
        for key in migration.replaces
    ]
    return (label, name) in replaced


def _version() -> str:
    import llmos

    return llmos.__version__


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    with (home.run / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
