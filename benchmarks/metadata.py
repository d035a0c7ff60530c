"""Small answers among many repositories: info by id, resolve HEAD, lists."""

import random
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlencode

from benchmarks.bench import Bench, Load, loaded
from benchmarks.hub import MEMBER
from benchmarks.load import Call
from benchmarks.population import TEMPLATE, card, name_of
from benchmarks.report import Measurement

FEW, MANY = 200, 20_000
CALLS = 2000
LIST_CALLS = 500
# A busy hub answers several clients at a time; one lonely client mostly measures how long
# this machine takes to wake a sleeping process.
CONNECTIONS = 8
SIBLINGS = 20


def measure(bench: Bench) -> Iterator[Measurement]:
    few, many = min(FEW, bench.scaled(MANY)), bench.scaled(MANY)
    _make_template(bench)
    _fill(bench, few)
    with_few = _info(bench, few)
    yield _row(f"model info by id with token, {few:,} repositories", with_few, limit=0.5)
    _fill(bench, many)
    with_many = _info(bench, many)
    yield _row(f"model info by id with token, {many:,} repositories", with_many, limit=0.5)
    yield Measurement(
        f"model info: {many:,} repositories against {few:,}",
        with_many.server_ms / with_few.server_ms,
        "×",
        limit=1.3,
    )
    yield _row("resolve HEAD of a file with token", _heads(bench, many), limit=0.5)
    queries: dict[str, dict[str, str | list[str]]] = {
        "plain": {},
        "tag filter": {"filter": "vision"},
        "two tags and a task": {"filter": ["license:mit", "vision"], "pipeline_tag": "translation"},
        "search": {"search": "translation"},
        "sort by downloads": {"sort": "downloads"},
        "by author": {"author": MEMBER},
    }
    for name, query in queries.items():
        path = "/api/models?" + urlencode({"limit": "30", **query}, doseq=True)
        load = loaded(
            bench.hub,
            [Call(path, headers=bench.hub.authorization)] * LIST_CALLS,
            connections=CONNECTIONS,
        )
        yield _row(f"list page of 30 of {many:,}: {name}", load, limit=8)


def _row(what: str, load: Load, *, limit: float) -> Measurement:
    return Measurement(
        f"{what}: server CPU", load.server_ms, "ms", limit=limit, detail=load.detail()
    )


def _info(bench: Bench, count: int) -> Load:
    paths = [f"/api/models/{MEMBER}/{name}" for name in _some_names(count)]
    calls = [Call(path, headers=bench.hub.authorization) for path in paths]
    return loaded(bench.hub, calls, connections=CONNECTIONS)


def _heads(bench: Bench, count: int) -> Load:
    headers = {**bench.hub.authorization, "Accept-Encoding": "identity"}
    paths = [f"/{MEMBER}/{name}/resolve/main/config.json" for name in _some_names(count)]
    calls = [Call(path, method="HEAD", headers=headers) for path in paths]
    return loaded(bench.hub, calls, connections=CONNECTIONS)


def _some_names(count: int) -> list[str]:
    """Any repository may be asked for: what was asked before must not be what makes it fast."""
    chance = random.Random(count)  # noqa: S311 - a repeatable choice, not a secret
    return [name_of(chance.randrange(count)) for _ in range(CALLS)]


def _make_template(bench: Bench) -> None:
    from huggingface_hub import CommitOperationAdd

    bench.hub.api.create_repo(TEMPLATE, exist_ok=True)
    files = {
        "README.md": card(0),
        "config.json": '{"model_type": "bert", "architectures": ["BertModel"]}',
        **{f"part-{number:02d}.json": f"{{{number}: 1}}" for number in range(SIBLINGS)},
    }
    operations = [CommitOperationAdd(name, text.encode()) for name, text in files.items()]
    bench.hub.api.create_commit(TEMPLATE, operations, commit_message="template")


def _fill(bench: Bench, count: int) -> None:
    bench.hub.stop()
    home = str(bench.hub.home)
    subprocess.run([sys.executable, "-m", "benchmarks.population", home, str(count)], check=True)
    bench.hub.command("search", "rebuild")
    bench.hub.start()
    bench.hub.wait_for_worker()
