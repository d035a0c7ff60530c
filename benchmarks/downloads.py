"""Whole files and ranges: CPU per GiB, and the rate beside nginx and Olah in the same rounds."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks import client
from benchmarks.bench import GIB, MIB, ROUNDS, Bench
from benchmarks.load import Call, play
from benchmarks.processes import measured
from benchmarks.report import Measurement
from benchmarks.rivals import Rival, nginx, olah

RANGE_BYTES = 8 * MIB
NAME = "weights.safetensors"


@dataclass(frozen=True, slots=True)
class Rate:
    """Medians over the rounds."""

    mb_s: float
    cpu_s_per_gib: float
    client_s_per_gib: float


@dataclass(frozen=True, slots=True)
class Source:
    """Somebody who serves the file: where, and which processes do the work."""

    name: str
    url: str
    path: str
    headers: dict[str, str]
    pids: dict[str, int]


Calls = Callable[[Source], list[Call]]


def measure(bench: Bench) -> Iterator[Measurement]:
    size = bench.scaled(GIB)
    file = bench.random_file(NAME, size)
    hub = bench.hub
    via_xet = bench.repository("download-xet")
    client.upload(hub.client_environment(bench.folder / "xet"), via_xet, file, NAME)
    via_lfs = bench.repository("download-lfs")
    other = bench.random_file("other.safetensors", size)
    environment = hub.client_environment(bench.folder / "lfs")
    client.upload({**environment, "HF_HUB_DISABLE_XET": "1"}, via_lfs, other, NAME)
    _wait_until_idle(bench)
    with ExitStack() as stack:
        rivals = [stack.enter_context(nginx(bench.folder, file))]
        sources = [
            *(
                Source(name, hub.url, f"/{repo}/resolve/main/{NAME}", hub.authorization, hub.pids())
                for name, repo in (("after Xet", via_xet), ("after LFS", via_lfs))
            ),
            *map(_source, rivals),
        ]
        yield from _against_nginx(sources, size)
    yield from _against_olah(bench, size)
    file.unlink()
    other.unlink()


def _wait_until_idle(bench: Bench) -> None:
    """What came by LFS is chunked in the background, which must not count as downloading."""
    while True:
        with measured(bench.hub.pids()) as cost:
            time.sleep(3)
        if sum(cost.cpu_s.values()) < 0.1:
            return


def _against_nginx(sources: list[Source], size: int) -> Iterator[Measurement]:
    whole = _rates(sources, size, lambda one: [Call(one.path, headers=one.headers)])
    ranges = _rates(sources, size, lambda one: _range_calls(one, size))
    for name, rates, limit in (
        ("whole-file GET", whole, 1.0),
        (f"ranges of {RANGE_BYTES // MIB} MiB", ranges, 1.3),
    ):
        for one in ("after Xet", "after LFS"):
            yield Measurement(
                f"{name} {one}: server CPU a GiB",
                rates[one].cpu_s_per_gib,
                "s",
                limit=limit,
                detail={source: asdict(rate) for source, rate in rates.items()},
            )
        yield Measurement(f"{name}, nginx: server CPU a GiB", rates["nginx"].cpu_s_per_gib, "s")
    for one in ("after Xet", "after LFS"):
        yield Measurement(
            f"whole-file GET {one}: rate against nginx",
            whole[one].mb_s / whole["nginx"].mb_s,
            "×",
            limit=0.5,
            at_least=True,
        )


def _against_olah(bench: Bench, size: int) -> Iterator[Measurement]:
    """Olah reads a mirrored file whole into memory: a tenth is what it can serve at all."""
    size = size // 10
    file = bench.random_file("for-olah.bin", size)
    repo = bench.repository("download-olah")
    client.upload(bench.hub.client_environment(bench.folder / "xet"), repo, file, NAME)
    hub = bench.hub
    ours = Source("hub", hub.url, f"/{repo}/resolve/main/{NAME}", hub.authorization, hub.pids())
    with olah(bench.folder, file) as rival:
        rates = _rates(
            [ours, _source(rival)], size, lambda one: [Call(one.path, headers=one.headers)]
        )
    yield Measurement(
        f"whole-file GET of {size // MIB} MiB: rate against Olah",
        rates["hub"].mb_s / rates["olah"].mb_s,
        "×",
        limit=20,
        at_least=True,
        detail={source: asdict(rate) for source, rate in rates.items()},
    )
    file.unlink()


def _source(rival: Rival) -> Source:
    return Source(rival.name, rival.url, rival.path, {}, rival.pids)


def _range_calls(source: Source, size: int) -> list[Call]:
    return [
        Call(
            source.path,
            headers={
                **source.headers,
                "Range": f"bytes={start}-{min(start + RANGE_BYTES, size) - 1}",
            },
        )
        for start in range(0, size, RANGE_BYTES)
    ]


def _rates(sources: list[Source], size: int, calls: Calls) -> dict[str, Rate]:
    """Every source once a round, in turn, so that all see the same machine."""
    seen: dict[str, list[tuple[float, float, float]]] = {one.name: [] for one in sources}
    for _ in range(ROUNDS):
        for one in sources:
            with measured(one.pids) as cost:
                got = play(one.url, calls(one))
            if got.received != size:
                raise RuntimeError(
                    f"{one.name} sent {got.received} of {size} bytes: {got.statuses}"
                )
            server = sum(cost.cpu_s.values())
            gib = size / GIB
            seen[one.name].append((size / got.wall_s / 1e6, server / gib, got.cpu_s / gib))
    return {
        name: Rate(*(median(column) for column in zip(*rounds, strict=True)))
        for name, rounds in seen.items()
    }
