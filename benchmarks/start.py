"""Installation and start: size of the core, seconds to the first answer."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.bench import ROUNDS, Bench
from benchmarks.hub import Hub
from benchmarks.report import Measurement

CHECKOUT = Path(__file__).parent.parent


def installed(bench: Bench) -> Iterator[Measurement]:
    """A fresh virtual environment with the core alone; pip itself counted, as members have it."""
    folder = bench.folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = folder / "bin" / "pip"
    subprocess.run([pip, "install", "-q", CHECKOUT], check=True)
    size = sum(f.lstat().st_size for f in folder.rglob("*") if not f.is_symlink() and f.is_file())
    yield Measurement("core install, virtual environment", size / 1e6, "MB", limit=300)


def started(bench: Bench) -> Iterator[Measurement]:
    """`llmos up` on homes of its own: the first start migrates, later ones do not."""
    firsts, laters = [], []
    for number in range(ROUNDS):
        folder = bench.folder / f"start-{number}"
        folder.mkdir()
        hub = Hub(folder / "home", token="unused")
        firsts.append(hub.start())
        hub.stop()
        laters.append(hub.start())
        hub.stop()
    for what, seconds in (("first start", firsts), ("later start", laters)):
        yield Measurement(
            f"`llmos up` to the first answer, {what}",
            median(seconds),
            "s",
            limit=2,
            detail={"rounds": seconds},
        )
