"""Thousands of real repositories, made fast: rows in bulk, one own commit in each.

`python -m benchmarks.population HOME COUNT` fills the home up to COUNT models named
`bench/model-00000` … A repository made through the API is the template: its objects are
hard-linked, then each copy gets a commit of its own, so that no two heads are alike. The hub
must not run meanwhile.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2

from benchmarks.hub import MEMBER

if TYPE_CHECKING:
    from llmos.hub.models import Repository

TEMPLATE = f"{MEMBER}/template"
BATCH = 500
WORDS = ("vision", "translation", "summary", "speech", "retrieval", "code", "maths", "dialogue")
TASKS = ("text-generation", "translation", "summarization", "text-classification")
LICENCES = ("apache-2.0", "mit", "cc-by-4.0")


def name_of(number: int) -> str:
    return f"model-{number:05d}"


def card(number: int) -> str:
    word = WORDS[number % len(WORDS)]
    return (
        f"---\nlicense: {LICENCES[number % len(LICENCES)]}\nlanguage: [en, zh]\n"
        f"pipeline_tag: {TASKS[number % len(TASKS)]}\ntags: [{word}, size-{number % 17}]\n---\n"
        f"# Model {number}\n\nA small model for {word}, number {number} of its series.\n"
    )


def main() -> None:
    home, count = Path(sys.argv[1]), int(sys.argv[2])
    os.environ["LLMOS_HOME"] = str(home)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmos.web.settings")
    import django

    django.setup(set_prefix=False)
    fill(count)


def fill(count: int) -> None:
    """Make what is missing up to `count` models."""
    from llmos.hub.git.repos import path_of
    from llmos.hub.models import Repository

    template = Repository.objects.get(full_name=TEMPLATE)
    source = path_of(template.pk)
    subprocess.run(["git", "repack", "-adq"], cwd=source, check=True)
    present = Repository.objects.filter(name__startswith="model-").count()
    for start in range(present, count, BATCH):
        _make(template, source, range(start, min(start + BATCH, count)))


def _make(template: "Repository", source: Path, numbers: range) -> None:
    from django.db import transaction

    from llmos.hub.git.repos import path_of
    from llmos.hub.models import Repository

    with transaction.atomic():
        made = Repository.objects.bulk_create([_row(template, number) for number in numbers])
        for repository, number in zip(made, numbers, strict=True):
            target = path_of(repository.pk)
            shutil.copytree(source, target, copy_function=_link_or_copy)
            repository.head_sha = _commit_card(target, number)
        Repository.objects.bulk_update(made, ["head_sha"])
    with transaction.atomic():
        for repository in made:
            _know_head(repository)


def _row(template: "Repository", number: int) -> "Repository":
    from llmos.hub.models import Repository

    name = name_of(number)
    return Repository(
        type="model",
        namespace=template.namespace,
        name=name,
        full_name=f"{MEMBER}/{name}",
        key=f"{MEMBER}/{name}",
        created_by=template.created_by,
        downloads=number * 7919 % 100_003,
        likes=number * 104_729 % 1009,
    )


def _link_or_copy(source: str, target: str) -> None:
    if "/objects/" in source:
        os.link(source, target)  # objects never change
    else:
        shutil.copy2(source, target)


def _commit_card(folder: Path, number: int) -> str:
    repository = pygit2.Repository(str(folder))
    head = repository.head.peel(pygit2.Commit)
    builder = repository.TreeBuilder(head.tree)
    blob = repository.create_blob(card(number).encode())
    builder.insert("README.md", blob, pygit2.enums.FileMode.BLOB)
    who = pygit2.Signature(MEMBER, f"{MEMBER}@example.org")
    commit = repository.create_commit(
        "refs/heads/main", who, who, f"card {number}", builder.write(), [head.id]
    )
    return str(commit)


def _know_head(repository: "Repository") -> None:
    """What the worker does after a push, but for the search index, which is made in one go."""
    from llmos.hub import tasks
    from llmos.hub.snapshots import snapshot_of

    tasks._copy_facts(repository, snapshot_of(repository, repository.head_sha))


if __name__ == "__main__":
    main()
