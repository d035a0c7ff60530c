"""`python -m benchmarks [--quick] [--only SUITE …]`: measure, print, and keep the record."""

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from benchmarks import (
    community,
    downloads,
    evaluation,
    jobs,
    large_repository,
    memory,
    metadata,
    serving,
    start,
    training,
    uploads,
)
from benchmarks.bench import Bench, Suite
from benchmarks.hub import Hub
from benchmarks.report import Measurement, report

SUITES: dict[str, Suite] = {
    "idle": memory.idle,
    "start": start.started,
    "metadata": metadata.measure,
    "large-repository": large_repository.measure,
    "uploads": uploads.measure,
    "downloads": downloads.measure,
    "memory": memory.measure,
    "jobs": jobs.measure,
    "serving": serving.measure,
    "training": training.measure,
    "evaluation": evaluation.measure,
    "community": community.measure,
    "install": start.installed,
}
PAGES = Path(__file__).parent.parent / "docs" / "benchmarks"


def main() -> int:
    options = _options()
    scratch = Path(tempfile.mkdtemp(prefix="llmos-bench-", dir=options.scratch))
    bench = Bench(Hub(scratch / "home"), scratch, 0.1 if options.quick else 1.0)
    try:
        bench.hub.start()
        measurements = list(_run(bench, options.only or list(SUITES)))
    finally:
        bench.hub.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    name = options.name or ("quick" if options.quick else "full")
    page = report(name, bench.scale, measurements).write(options.out)
    sys.stdout.write(f"\n{page.read_text()}\n{page}\n")
    return int(any(m.verdict in {"MISSED", "failed"} for m in measurements))


def _run(bench: Bench, names: list[str]) -> Iterator[Measurement]:
    for name in names:
        start_time = time.perf_counter()
        for measurement in _kept_going(name, bench):
            value = "-" if measurement.value is None else f"{measurement.value:.4g}"
            line = f"{measurement.what}: {value} {measurement.unit} {measurement.verdict}"
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
            yield measurement
        sys.stdout.write(f"-- {name}: {time.perf_counter() - start_time:.0f} s\n")


def _kept_going(name: str, bench: Bench) -> Iterator[Measurement]:
    """A suite that fails is a row that says so; the others still run."""
    try:
        yield from SUITES[name](bench)
    except Exception:  # noqa: BLE001 - the door: reported as a failed row, never passed over
        failure = traceback.format_exc()
        sys.stderr.write(failure)
        yield Measurement(name, None, "", failure=failure)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of every size")
    parser.add_argument("--only", nargs="+", choices=list(SUITES), help="some suites only")
    parser.add_argument("--name", help="name of the record; default full or quick")
    parser.add_argument("--out", type=Path, default=PAGES, help="folder of the record")
    parser.add_argument("--scratch", type=Path, help="where to put files of tens of gigabytes")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
