"""Measurements against the limits we promise, as a table, as JSON and as a page."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

CLIENTS = ("huggingface_hub", "hf_xet", "granian", "django", "starlette", "pygit2")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row: a value, the limit it must keep (none: only told), and how it came about."""

    what: str
    value: float | None
    unit: str
    limit: float | None = None
    at_least: bool = False  # the value must not be below the limit; else not above
    detail: dict[str, Any] = field(default_factory=dict)
    failure: str = ""

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "failed" if self.failure else "not measured"
        if self.limit is None:
            return ""
        kept = self.value >= self.limit if self.at_least else self.value <= self.limit
        return "ok" if kept else "MISSED"


@dataclass(frozen=True, slots=True)
class Report:
    name: str
    scale: float
    made_at: str
    machine: dict[str, Any]
    measurements: list[Measurement]

    def write(self, folder: Path) -> Path:
        """Write `<date>-<name>.json` and `.md`; returns the page."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = folder / f"{self.made_at[:10]}-{self.name}"
        raw = {**asdict(self), "verdicts": [m.verdict for m in self.measurements]}
        stem.with_suffix(".json").write_text(json.dumps(raw, indent=1) + "\n")
        page = stem.with_suffix(".md")
        page.write_text(self.page())
        return page

    def page(self) -> str:
        machine = ", ".join(f"{key} {value}" for key, value in self.machine.items())
        lines = [
            f"# Measured on {self.made_at[:10]}: {self.name}",
            "",
            f"{machine}. Sizes × {self.scale:g} of the promised ones.",
            "CPU is what decides; wall times are of a shared machine.",
            "",
            "| what | measured | limit | |",
            "|---|---|---|---|",
            *(_line(m) for m in self.measurements),
            "",
            "Raw figures, with the parts of each row: the JSON file beside this page.",
            "",
        ]
        return "\n".join(lines)


def report(name: str, scale: float, measurements: Sequence[Measurement]) -> Report:
    return Report(
        name=name,
        scale=scale,
        made_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        machine=machine(),
        measurements=list(measurements),
    )


def machine() -> dict[str, Any]:
    """What one must know of this machine to read the figures."""
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "CPU": f"{os.cpu_count()} × {models[0] if models else platform.machine()}",
        "memory": f"{memory_kb / 1e6:.0f} GB",
        "load": f"{os.getloadavg()[0]:.1f}",
        "Python": sys.version.split()[0],
        **{package: version(package) for package in CLIENTS},
    }


def _line(m: Measurement) -> str:
    measured = f"{m.value:.4g} {m.unit}" if m.value is not None else m.failure.splitlines()[-1][:80]
    limit = "" if m.limit is None else f"{'≥' if m.at_least else '≤'} {m.limit:g} {m.unit}"
    return f"| {m.what} | {measured} | {limit} | {m.verdict} |"
