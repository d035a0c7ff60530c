"""The queue: how soon a job does its first step, and what a long list of jobs costs."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from statistics import median
from typing import Any

from benchmarks.bench import ROUNDS, Bench, loaded
from benchmarks.hub import MEMBER
from benchmarks.load import Call
from benchmarks.report import Measurement

QUEUED = 1000
CALLS = 30
RECIPE = {
    "task": "translate",
    "data": {"source": "zh", "target": "en"},
    "tokeniser": {"vocabulary": 300},
    "budget": {"steps": 2},
    "look": {"times": 0},
}


def measure(bench: Bench) -> Iterator[Measurement]:
    yield from _starts(bench)
    yield from _lists(bench)


def _starts(bench: Bench) -> Iterator[Measurement]:
    data = f"{MEMBER}/job-data"
    bench.hub.api.create_repo(data, repo_type="dataset", exist_ok=True)
    rows = "".join(f'{{"zh": "{n}号", "en": "number {n}"}}\n' for n in range(300))
    bench.hub.api.upload_file(
        path_or_fileobj=rows.encode(),
        path_in_repo="train.jsonl",
        repo_id=data,
        repo_type="dataset",
    )
    for workers in (1, 2):
        seconds = [_seconds_to_first_step(bench, data, workers) for _ in range(ROUNDS)]
        yield Measurement(
            f"job, queued to first step, {workers} worker{'s' * (workers > 1)}",
            median(seconds),
            "s",
            limit=5,
            detail={"rounds": seconds},
        )


def _seconds_to_first_step(bench: Bench, data: str, workers: int) -> float:
    job = _asked(
        bench,
        "POST",
        "",
        {
            "activity": "train",
            "inputs": [{"role": "data", "kind": "dataset", "repo": data}],
            "output": {"kind": "model", "repo": f"{MEMBER}/job-model"},
            "recipe": {**RECIPE, "workers": workers},
            "cores": workers,
        },
    )
    while _asked(bench, "GET", f"/{job['id']}")["status"]["stage"] != "COMPLETED":
        time.sleep(0.2)
    stream = bench.hub.home / "jobs" / job["id"] / "stream.jsonl"
    events = [json.loads(line) for line in stream.read_text().splitlines()]
    first = next(event for event in events if event["event"] == "step")
    return _moment(first["at"]) - _moment(job["createdAt"])


def _lists(bench: Bench) -> Iterator[Measurement]:
    count = bench.scaled(QUEUED)
    bench.hub.stop()
    fill = [sys.executable, "-m", "benchmarks.queued_jobs", str(bench.hub.home), str(count)]
    subprocess.run(fill, check=True)
    os.environ["LLMOS_JOBS_RAY_CORES"] = "0"  # so that nobody takes them meanwhile
    bench.hub.start()
    bench.hub.wait_for_worker()
    path = f"/api/jobs/{MEMBER}?stage=SCHEDULING"
    load = loaded(
        bench.hub, [Call(path, headers=bench.hub.authorization)] * CALLS, warm=3, connections=1
    )
    yield Measurement(
        f"list of {count:,} queued jobs: server CPU",
        load.server_ms,
        "ms",
        limit=20,
        detail=load.detail(),
    )


def _asked(bench: Bench, method: str, path: str, body: Any = None) -> dict[str, Any]:
    import httpx2

    answer = httpx2.request(
        method,
        f"{bench.hub.url}/api/jobs/{MEMBER}{path}",
        headers=bench.hub.authorization,
        json=body,
        timeout=60,
    )
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
