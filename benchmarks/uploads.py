"""Xet uploads: new data, the same data from another machine, and a small edit."""

import os
import resource
import subprocess
from collections.abc import Iterator

from benchmarks import client
from benchmarks.bench import GIB, MIB, ROUNDS, Bench
from benchmarks.processes import measured
from benchmarks.relay import relayed
from benchmarks.report import Measurement

EDITED_BYTES = 100 * MIB
INSERTED = 10  # bytes


def measure(bench: Bench) -> Iterator[Measurement]:
    yield _plain_copy(bench)
    new: list[dict[str, float]] = []
    again: list[dict[str, float]] = []
    size = bench.scaled(GIB)
    for number in range(ROUNDS if bench.scale < 1 else 1):
        file = bench.random_file("upload.safetensors", size)
        for deed, figures in (("new", new), ("again", again)):
            repository = bench.repository(f"upload-{deed}-{number}")
            environment = bench.hub.client_environment(bench.folder / "uploader")
            with measured(bench.hub.pids()) as cost:
                spent = client.upload(environment, repository, file, "model.safetensors")
            figures.append(
                {
                    "web_s": cost.cpu_s["web"] * GIB / size,
                    "worker_s": cost.cpu_s.get("worker", 0.0) * GIB / size,
                    "client_s": spent.cpu_s * GIB / size,
                    "mb_s": size / spent.wall_s / 1e6,
                }
            )
        file.unlink()
    for what, figures, limit in (
        ("Xet upload of new data, verified", new, 2.3),
        ("Xet upload of known data from an empty cache", again, 0.15),
    ):
        middle = sorted(figures, key=lambda one: one["web_s"])[len(figures) // 2]
        server = middle["web_s"] + middle["worker_s"]
        yield Measurement(
            f"{what}: server CPU a GiB", server, "s", limit=limit, detail={"rounds": figures}
        )
    yield _edit(bench)


def _plain_copy(bench: Bench) -> Measurement:
    """What the kernel alone takes for the bytes: on some machines more than half of an upload."""
    file = bench.random_file("plain.bin", bench.scaled(GIB))
    copy = file.with_suffix(".copy")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["cp", file, copy], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_stime - before.ru_stime + after.ru_utime - before.ru_utime
    size = copy.stat().st_size
    file.unlink()
    copy.unlink()
    return Measurement("plain copy of a file: CPU a GiB", spent * GIB / size, "s")


def _edit(bench: Bench) -> Measurement:
    """Another machine uploads the file again with ten bytes inserted in the middle."""
    file = bench.random_file("edited.bin", EDITED_BYTES)
    repository = bench.repository("upload-edited")
    client.upload(
        bench.hub.client_environment(bench.folder / "first"), repository, file, "edited.bin"
    )
    content = file.read_bytes()
    middle = len(content) // 2
    file.write_bytes(content[:middle] + os.urandom(INSERTED) + content[middle:])
    with relayed(bench.hub.port) as relay:
        environment = bench.hub.client_environment(bench.folder / "second")
        environment["HF_ENDPOINT"] = relay.url
        client.upload(environment, repository, file, "edited.bin")
        sent = relay.sent
    file.unlink()
    return Measurement(
        f"{INSERTED} bytes inserted in {EDITED_BYTES // MIB} MiB: bytes sent",
        100 * sent / EDITED_BYTES,
        "%",
        limit=0.3,
        detail={"sent": sent},
    )
