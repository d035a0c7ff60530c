"""Memory of the web process: idle, and its peak through very large transfers and commits."""

import base64
import http.client
import json
import shutil
from collections.abc import Iterator

from benchmarks import client
from benchmarks.bench import GIB, Bench
from benchmarks.hub import Hub
from benchmarks.processes import Peak, measured, memory_mb, watched
from benchmarks.report import Measurement

IDLE_MB = 150
GROWTH_MB = 100
FILES = 10  # of one GiB each
SMALL_FILES = 100_000
NAME = "shard.safetensors"


def measure(bench: Bench) -> Iterator[Measurement]:
    web = bench.hub.pids()["web"]
    repository = bench.repository("memory")
    size = bench.scaled(GIB)
    with watched(web) as push:
        for number in range(FILES):
            file = bench.random_file(NAME, size)
            environment = bench.hub.client_environment(bench.folder / "pusher")
            client.upload(environment, repository, file, f"{number}-{NAME}")
            file.unlink()
    yield _growth(f"through a push of {FILES * size / 1e9:.1f} GB (Xet)", push)
    for way, switch in (("Xet", {}), ("plain HTTP", {"HF_HUB_DISABLE_XET": "1"})):
        with watched(web) as pull:
            for number in range(FILES):
                folder = bench.folder / "puller"
                environment = {**bench.hub.client_environment(folder), **switch}
                client.download(environment, repository, f"{number}-{NAME}", folder / "down")
                shutil.rmtree(folder)
        yield _growth(f"through a pull of {FILES * size / 1e9:.1f} GB ({way})", pull)
    count = bench.scaled(SMALL_FILES)
    small = bench.repository("many-files")
    with watched(web) as peak, measured(bench.hub.pids()) as cost:
        commit_files(bench.hub, small, count)
    yield _growth(f"through a commit of {count:,} files", peak)
    yield Measurement(
        f"commit of {count:,} files: wall time", cost.wall_s, "s", detail={"cpu_s": cost.cpu_s}
    )


def idle(bench: Bench) -> Iterator[Measurement]:
    """Of a hub that has just started and answered a few requests."""
    bench.hub.api.whoami()
    list(bench.hub.api.list_models(limit=5))
    pids = bench.hub.pids()
    yield Measurement("web process idle: memory", memory_mb(pids["web"]), "MB", limit=IDLE_MB)
    yield Measurement("worker process idle: memory", memory_mb(pids["worker"]), "MB")


def commit_files(hub: Hub, repository: str, count: int, *, folder: str = "files") -> None:
    """One streamed commit of `count` small files, 100 a folder. Raises on refusal."""

    def lines() -> Iterator[bytes]:
        header = {"key": "header", "value": {"summary": f"{count} files"}}
        yield json.dumps(header).encode() + b"\n"
        for number in range(count):
            content = base64.b64encode(b"%d of %d" % (number, count)).decode()
            path = f"{folder}/{number // 100:04d}/{number:06d}.txt"
            value = {"path": path, "content": content, "encoding": "base64"}
            yield json.dumps({"key": "file", "value": value}).encode() + b"\n"

    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=1800)
    connection.request(
        "POST",
        f"/api/models/{repository}/commit/main",
        body=lines(),
        headers={**hub.authorization, "Content-Type": "application/x-ndjson"},
        encode_chunked=True,
    )
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"commit of {count} files answered {answer.status}: {text[:300]!r}")


def _growth(what: str, peak: Peak) -> Measurement:
    return Measurement(
        f"web process {what}: peak above idle",
        peak.peak_mb - peak.before_mb,
        "MB",
        limit=GROWTH_MB,
        detail={
            "before_mb": peak.before_mb,
            "peak_mb": peak.peak_mb,
            "peak_private_mb": peak.peak_private_mb,
        },
    )
