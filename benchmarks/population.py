"""Thousands of real repositories, made fast: rows in bulk, one own commit in each.

`python -m benchmarks.population HOME COUNT` fills the home up to COUNT models named
`bench/model-00000` … A repository made through the API is the template: its objects are
hard-linked, then each copy gets a commit of its own, so that no two heads are alike.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from llmos.hub.models import Repository

    template = Repository.objects.get(full_name=TEMPLATE)
    present = Repository.objects.filter(name__startswith="model-").count()
    for start in range(present, count, BATCH):
        _make(template, range(start, min(start + BATCH, count)))
    from llmos.hub.search import rebuild_index

    rebuild_index()


def _make(template: "Repository", numbers: range) -> None:
    from llmos.hub.models import Repository

    made = Repository.objects.bulk_create([_row(template, number) for number in numbers])
    for repository, number in zip(made, numbers, strict=True):
        repository.head_sha = _copy_git(template, repository, number)
    Repository.objects.bulk_update(made, ["head_sha"])
    _refresh(made)


def _row(template: "Repository", number: int) -> Any:
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
