"""Which commit last touched each entry of a folder.

A walk along first parents that compares the folder's tree ids first, so most commits cost
two look-ups. What one walk found serves the next one, since history does not change.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

import pygit2

from llmos.hub.git.repos import open_repository
from llmos.hub.git.tree import nodes_of

LONGEST_WALK = 1.0  # seconds; older entries stay without an answer
_KEPT = 500  # folders at commits


@dataclass(frozen=True, slots=True)
class LastCommit:
    sha: str
    title: str
    author: str
    date: datetime


Found = dict[str, LastCommit]

_known: OrderedDict[tuple[int, str, str], Found] = OrderedDict()
_lock = Lock()


def last_commits(repository_id: int, sha: str, folder: str) -> Found:
    """By entry name; entries untouched for longer than the walk may take are left out."""
    key = (repository_id, sha, folder)
    with _lock:
        known = _known.get(key)
    if known is None:
        known, complete = _walk(repository_id, sha, folder)
        if complete:
            with _lock:
                _known[key] = known
                while len(_known) > _KEPT:
                    _known.popitem(last=False)
    return known


def _walk(repository_id: int, sha: str, folder: str) -> tuple[Found, bool]:
    repository = open_repository(repository_id)
    commit = repository[pygit2.Oid(hex=sha)].peel(pygit2.Commit)
    tree = _folder_id(commit, folder)
    pending = _entries(repository, tree)
    found: Found = {}
    deadline = time.monotonic() + LONGEST_WALK
    while pending:
        with _lock:
            older = _known.get((repository_id, str(commit.id), folder))
        if older is not None:
            return {**{name: older[name] for name in pending if name in older}, **found}, True
        parent = commit.parents[0] if commit.parent_ids else None
        before = None if parent is None else _folder_id(parent, folder)
        if before != tree:
            was = _entries(repository, before)
            touched = [name for name, node in pending.items() if was.get(name) != node]
            if touched:
                facts = _facts(commit)
                for name in touched:
                    found[name] = facts
                    del pending[name]
        if parent is None or time.monotonic() > deadline:
            break
        commit, tree = parent, before
    return found, not pending


def _entries(repository: pygit2.Repository, tree: bytes | None) -> dict[str, bytes]:
    if tree is None:
        return {}
    return {
        name.decode("utf-8", "replace"): mode + oid
        for mode, name, oid in nodes_of(repository, tree)
    }


def _folder_id(commit: pygit2.Commit, folder: str) -> bytes | None:
    tree = commit.tree
    for name in folder.split("/") if folder else ():
        try:
            node = tree[name]
        except KeyError:
            return None
        if not isinstance(node, pygit2.Tree):
            return None
        tree = node
    raw: bytes = tree.id.raw
    return raw


def _facts(commit: pygit2.Commit) -> LastCommit:
    title = commit.message.split("\n", 1)[0][:500]
    date = datetime.fromtimestamp(commit.commit_time, UTC)
    return LastCommit(str(commit.id), title, commit.author.name, date)
