"""Repositories and finished jobs as rows, for tests of what evaluation makes of them."""

from datetime import datetime, timedelta
from typing import Any

from tests.evaluation.conftest import DEFINITION, rows_file

from llmos.accounts.access import viewer_of_user
from llmos.accounts.models import User
from llmos.evaluation.actions import publish, record_result
from llmos.evaluation.models import Board, Result
from llmos.hub.actions import create_repository, record_push
from llmos.hub.git import refs, repos
from llmos.hub.git.draft import Draft
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.jobs.folders import artefact_path
from llmos.jobs.models import Job
from llmos.jobs.stages import Stage
from llmos.kit.time import now
from llmos.lab.benchmarks import as_content, parse_benchmark
from llmos.wire.receipts import canonical, merkle_root


def made(
    user: User, kind: str, name: str, files: dict[str, bytes], *, private: bool = False
) -> Any:
    repository = create_repository(
        viewer=viewer_of_user(user),
        kind=KINDS[kind],
        namespace=user.username,
        name=name,
        visibility="private" if private else "public",
    )
    committed(repository, files)
    return repository


def committed(repository: Repository, files: dict[str, bytes]) -> str:
    head = refs.resolve(repository.pk, "main")
    draft = Draft(repository.pk, head)
    draft.describe(summary="change", description="", author="ada")
    for path, content in files.items():
        draft.write(path, content)
    landed = draft.land(repos.MAIN, old=head, retry=False)
    record_push(repository=repository, ref=repos.MAIN, old=head, new=landed.new, user_id=None)
    return landed.new


def benchmark(user: User, name: str = "cats", *, private: bool = False) -> Repository:
    files = {"test.jsonl": rows_file(), "eval.yaml": DEFINITION.format(version="1").encode()}
    found: Repository = made(user, "dataset", name, files, private=private)
    publish(repository=found)
    return found


def current(repository: Repository) -> Board:
    board = Board.objects.get(repository=repository, is_current=True)
    board.repository = repository
    return board


def ended_job(
    user: User,
    model: Repository,
    asked: Repository,
    *,
    value: float = 50.0,
    spread: float = 1.0,
    cpu_seconds: float = 10.0,
    at: datetime | None = None,
    differing: dict[str, Any] | None = None,
) -> Job:
    """A job as the queue leaves it behind when an evaluation has succeeded."""
    commit, rows = refs.resolve(model.pk, "main"), refs.resolve(asked.pk, "main")
    job = Job(namespace=user.namespace, user=user, activity="evaluate", executor="local")
    lines = [
        canonical({"index": n, "source": f"s{n}", "references": ["r"], "output": "o", "score": n})
        for n in range(3)
    ]
    path = artefact_path(job.pk, "samples.jsonl")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    wanted = parse_benchmark(DEFINITION.format(version="1"))
    named = {"repo": asked.full_name, "commit": rows}
    job.spec = {
        "version": 1,
        "activity": "evaluate",
        "inputs": [
            {"role": "model", "kind": "model", "repo": model.full_name, "commit": commit},
            {"role": "benchmark", "kind": "dataset", **named},
        ],
        "output": None,
        "recipe": as_content(wanted),
        "seed": 1,
        "arguments": {},
    }
    job.result = {
        "benchmark": {**named, "name": "Cats and dogs", "version": "1", "task": "translation"},
        "model": {"repo": model.full_name, "commit": commit},
        "data": {**named, "split": "test"},
        "task": "translation",
        "metrics": [
            {
                "name": name,
                "value": value,
                "low": value - spread,
                "high": value + spread,
                "signature": "s",
                "higher_is_better": True,
            }
            for name in ("chrf", "sacrebleu")
        ],
        "primary": "chrf",
        "engine": "own",
        "samples": {"count": 3, "merkle_root": merkle_root(lines), "file": "samples.jsonl"},
        **(differing or {}),
    }
    job.made = {"recipe": job.spec["recipe"], "software": {"torch": "1"}, "hardware": {"cpu": "x"}}
    job.cost = {"cpu_seconds": cpu_seconds, "energy_wh": cpu_seconds / 100}
    job.stage, job.ended_at = Stage.SUCCEEDED, at or now()
    job.started_at = job.ended_at - timedelta(seconds=cpu_seconds)
    job.save()
    return job


def measured(user: User, model: Repository, asked: Repository, **how: Any) -> Result:
    result = record_result(job=ended_job(user, model, asked, **how))
    assert result is not None
    return result
