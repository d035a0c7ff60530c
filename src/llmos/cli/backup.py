"""`llmos backup` and `llmos restore`: a whole hub in a folder, taken while it runs.

Order makes the copy consistent without stopping anybody: first the rows, then git's
references before its objects, then large files. What later rows or references would need
is in the copy too much, never too little; nothing that a copied row needs is removed
meanwhile, since `llmos gc` and a backup exclude each other.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click

import llmos
from llmos.cli.options import home_option
from llmos.cli.running import held, maintenance
from llmos.kit.config import current
from llmos.kit.errors import Conflict, Invalid
from llmos.kit.files import sync_folder
from llmos.kit.home import Home, home_from_environment
from llmos.kit.time import iso, now
from llmos.store.config import DatabaseSettings

_LABEL = "backup.json"
_SMALL_FILES = ("llmos.toml", "secret.key", "prepared.json")
_JOBS = "jobs"


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@home_option
def backup(*, folder: Path) -> None:
    """Copy the whole hub into the new FOLDER, while it runs.

    Large files become hard links where FOLDER lies on the same file system. On PostgreSQL
    the rows are not included: take them with pg_dump just before.
    """
    home = home_from_environment()
    _require_home(home)
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty: a backup goes into a folder of its own.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with maintenance(home):
        target = Home(folder)
        if not current(DatabaseSettings).url:
            _copy_rows(home.database, target.database)
        _copy_small(home, target)
        repositories = _copy_git(home.git, target.git)
        files = sum(
            _copy_tree(getattr(home, name), getattr(target, name))
            for name in ("blobs", "xorbs", "media", "attachments")
        )
        _copy_keys(home, target)
        _copy_jobs(home.root / _JOBS, target.root / _JOBS)
    (folder / _LABEL).write_text(
        json.dumps({"version": llmos.__version__, "taken_at": iso(now())}), encoding="utf-8"
    )
    sync_folder(folder)
    click.echo(f"Copied the rows, {repositories} repositories and {files} files into {folder}")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@home_option
def restore(*, folder: Path) -> None:
    """Put the backup in FOLDER into an empty home; the backup stays as it is.

    The search index is rebuilt by the next `llmos search rebuild`.
    """
    home = home_from_environment()
    if not (folder / _LABEL).is_file():
        raise Invalid(f"{folder} holds no finished backup ({_LABEL} is missing).")
    if home.database.exists() or (home.git.is_dir() and any(home.git.iterdir())):
        raise Conflict(f"{home.root} holds a hub already: restore into an empty folder.")
    source = Home(folder.absolute())
    with held(home):
        _copy_small(source, home)
        repositories = _copy_git(source.git, home.git)
        files = sum(
            _copy_tree(getattr(source, name), getattr(home, name))
            for name in ("blobs", "xorbs", "media", "attachments")
        )
        _copy_keys(source, home)
        _copy_jobs(source.root / _JOBS, home.root / _JOBS)
        # Last, so that a home with rows is a whole one.
        if source.database.exists():
            _copy_rows(source.database, home.database)
    click.echo(f"Restored the rows, {repositories} repositories and {files} files")


def _require_home(home: Home) -> None:
    if not home.secret_key.exists():
        raise Invalid(f"{home.root} holds no hub; name its folder with --home.")


def _copy_rows(source: Path, target: Path) -> None:
    """SQLite's own online copy: one consistent moment, whoever writes meanwhile."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing, pages=4096)
        writing.execute("PRAGMA journal_mode=DELETE")


def _copy_small(source: Home, target: Home) -> None:
    for name in _SMALL_FILES:
        if (source.root / name).exists():
            shutil.copy2(source.root / name, target.root / name)


def _copy_keys(source: Home, target: Home) -> None:
    """What signs receipts; copied and not linked, since it must not be shared with a backup."""
    if source.keys.is_dir():
        target.keys.mkdir(mode=0o700, exist_ok=True)
        _copy_tree(source.keys, target.keys, link=False)


def _copy_git(source: Path, target: Path) -> int:
    count = 0
    target.mkdir(exist_ok=True)
    for repository in sorted(source.glob("??/[0-9]*.git")):
        place = target / repository.relative_to(source)
        try:
            _copy_repository(repository, place)
        except FileNotFoundError:
            if repository.exists():
                raise
            shutil.rmtree(place)  # deleted while we copied it
        else:
            count += 1
    return count


def _copy_repository(source: Path, target: Path) -> None:
    """References first, since the objects they need are there already and stay.

    Among references the loose ones come first: packing writes the packed file before it
    removes them, so what is missed here is found there.
    """
    target.mkdir(parents=True)
    last = {"packed-refs": 1, "objects": 2}
    for entry in sorted(source.iterdir(), key=lambda entry: last.get(entry.name, 0)):
        if entry.is_dir():
            _copy_tree(entry, target / entry.name, link=entry.name == "objects")
        elif entry.suffix != ".lock":
            shutil.copy2(entry, target / entry.name)


def _copy_jobs(source: Path, target: Path) -> None:
    """The record of each job: what it said and left. A job that runs starts anew elsewhere, so
    its checkpoints stay behind; and logs still grow, so nothing is linked.
    """
    if not source.is_dir():
        return
    for folder in sorted(source.iterdir()):
        for name in ("stream.jsonl", "spec.json", "exit.json"):
            if (folder / name).is_file():
                (target / folder.name).mkdir(parents=True, exist_ok=True)
                shutil.copy2(folder / name, target / folder.name / name)
        if (folder / "artefacts").is_dir():
            _copy_tree(folder / "artefacts", target / folder.name / "artefacts")


def _copy_tree(source: Path, target: Path, *, link: bool = True) -> int:
    """Copy a folder that others write to; files that never change are linked if possible."""
    target.mkdir(parents=True, exist_ok=True)
    # Packing replaces files while we walk, always after their successors are in place:
    # a round in which nothing was missing has seen everything.
    missing = True
    while missing:
        missing = False
        for path in _files(source):
            missing |= not _copied(path, target / path.relative_to(source), link)
    return sum(1 for _ in _files(target))


def _copied(path: Path, place: Path, link: bool) -> bool:
    """False when the file was gone."""
    if place.exists():
        return True
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        if not (link and _linked(path, place)):
            shutil.copy2(path, place)
    except FileNotFoundError:
        return False
    return True


def _linked(path: Path, place: Path) -> bool:
    """False where links cannot reach: another file system, or one without links."""
    try:
        os.link(path, place)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.endswith((".tmp", ".lock")) and not name.startswith("tmp_"):
                yield Path(root, name)
