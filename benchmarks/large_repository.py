"""A repository of 10,000 files: its first page, a commit of one file, a commit of 1,000."""

import base64
import json
from collections.abc import Callable, Iterator

from benchmarks.bench import Bench, loaded
from benchmarks.load import Call
from benchmarks.memory import commit_files
from benchmarks.report import Measurement

FILES = 10_000
COMMITS = 20


def measure(bench: Bench) -> Iterator[Measurement]:
    count = bench.scaled(FILES)
    repository = bench.repository("large")
    commit_files(bench.hub, repository, count)
    headers = bench.hub.authorization
    for what, query in (("", ""), (", recursive", "?recursive=true")):
        tree = Call(f"/api/models/{repository}/tree/main{query}", headers=headers)
        page = loaded(bench.hub, [tree] * 50, warm=2)
        yield Measurement(
            f"{count:,} files, tree page 1{what}: wall",
            page.latency_ms,
            "ms",
            limit=20,
            detail=page.detail(),
        )
    many = bench.scaled(1000)
    for files, limit in ((1, 50), (many, 300)):
        lines = _commits(files)
        calls = [
            Call(
                f"/api/models/{repository}/commit/main",
                method="POST",
                headers={**headers, "Content-Type": "application/x-ndjson"},
                body=lines(number),
            )
            for number in range(COMMITS)
        ]
        # Rounds repeat paths with the content of the round before: the first round counts.
        done = loaded(bench.hub, calls, rounds=1, warm=0)
        yield Measurement(
            f"{count:,} files, commit of {files:,}: wall",
            done.latency_ms,
            "ms",
            limit=limit,
            detail=done.detail(),
        )


def _commits(files: int) -> Callable[[int], str]:
    def lines(number: int) -> str:
        values = [{"key": "header", "value": {"summary": f"commit {number}"}}]
        for n in range(files):
            content = base64.b64encode(b"%d in %d" % (n, number)).decode()
            path = f"new-{files}/{number}/{n}.txt"
            value = {"path": path, "content": content, "encoding": "base64"}
            values.append({"key": "file", "value": value})
        return "\n".join(map(json.dumps, values))

    return lines
