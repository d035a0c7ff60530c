"""What jobs cost: what they measure of themselves, and what was seen of those that could not."""

from collections.abc import Mapping
from typing import Any

from llmos.lab.costs import WATTS_PER_CORE

SUMMED = ("cpu_seconds", "wall_seconds", "gpu_seconds", "energy_wh")


def added(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The cost of a job whose attempts cost this much before and this much now."""
    if not before or not now:
        return dict(before or now or {}) or None
    total = dict(before) | dict(now)
    for name in SUMMED:
        total[name] = round(before.get(name, 0.0) + now.get(name, 0.0), 3)
    peaks = (cost.get("peak_memory_bytes", 0) for cost in (before, now))
    total["peak_memory_bytes"] = max(peaks)
    return total


def seen(usage: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The cost of an attempt that was ended before it could tell, from its keeper's last look."""
    if usage is None:
        return None
    return {
        "cpu_seconds": usage["cpu_seconds"],
        "wall_seconds": usage["wall_seconds"],
        "peak_memory_bytes": usage["peak_memory_bytes"],
        "energy_wh": round(usage["cpu_seconds"] * WATTS_PER_CORE / 3600, 3),
        "energy_method": f"estimated: CPU-seconds × {WATTS_PER_CORE:g} W for a busy core",
        "gpu_seconds": 0.0,
    }
