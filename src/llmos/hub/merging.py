"""Bringing one line of commits into another, and telling which files stand in the way."""

from dataclasses import dataclass

import pygit2
from django.utils.translation import gettext as _

from llmos.hub.git.draft import check_names
from llmos.hub.git.repos import open_repository, signature, written
from llmos.kit.errors import Conflict


class MergeConflict(Conflict):
    """Both sides changed the same files; the message and `files` name them."""

    code = "MergeConflict"

    def __init__(self, files: list[str]) -> None:
        named = ", ".join(files[:10]) + (_(" and others") if len(files) > 10 else "")
        super().__init__(
            _(
                "This cannot be merged as it is: both sides changed %(files)s. "
                "Bring main into the change request, settle these files, and push it again."
            )
            % {"files": named},
            data={"filesWithConflicts": files},
        )
        self.files = files


@dataclass(frozen=True, slots=True)
class Outlook:
    """What merging would do. `base` is the last common commit."""

    base: str | None
    nothing_new: bool  # the target has every commit of the other side
    fast_forward: bool
    conflicts: list[str]


def outlook(repository_id: int, *, target: str, source: str) -> Outlook:
    """What merging `source` into `target`, both commits, would do."""
    repository = open_repository(repository_id)
    base = _merge_base(repository, target, source)
    if base in {source, target}:
        return Outlook(base, base == source, base == target, [])
    return Outlook(base, False, False, _conflicts(_merged(repository, base, target, source)))


def merge(repository_id: int, *, target: str, source: str, title: str, author: str) -> str:
    """The commit to which `target` should move; no reference is moved. Raises MergeConflict."""
    repository = open_repository(repository_id)
    base = _merge_base(repository, target, source)
    if base == target:
        return source
    index = _merged(repository, base, target, source)
    if conflicts := _conflicts(index):
        raise MergeConflict(conflicts)
    tree_id = written(lambda: index.write_tree(repository))
    old, new = repository[target].peel(pygit2.Tree), repository[tree_id].peel(pygit2.Tree)
    check_names(repository, old, new)
    who = signature(author)
    return str(
        written(lambda: repository.create_commit(None, who, who, title, tree_id, [target, source]))
    )


def _merge_base(repository: pygit2.Repository, target: str, source: str) -> str | None:
    found = repository.merge_base(pygit2.Oid(hex=target), pygit2.Oid(hex=source))
    return None if found is None else str(found)


def _merged(
    repository: pygit2.Repository, base: str | None, target: str, source: str
) -> pygit2.Index:
    # Without a common commit an empty tree stands in: every file that differs is a conflict.
    ancestor = repository.TreeBuilder().write() if base is None else pygit2.Oid(hex=base)
    common, ours, theirs = (repository[oid].peel(pygit2.Tree) for oid in (ancestor, target, source))
    return repository.merge_trees(common, ours, theirs)


def _conflicts(index: pygit2.Index) -> list[str]:
    if index.conflicts is None:
        return []
    found = {entry.path for sides in index.conflicts for entry in sides if entry is not None}
    return sorted(found)
