"""Settings of the queue: `[jobs]`."""

import os
from dataclasses import dataclass
from typing import ClassVar

from llmos.kit.config import Section, current, setting


@dataclass(frozen=True)
class JobsSettings(Section):
    section: ClassVar[str] = "jobs"
    executor: str = setting("local", "where jobs run: local, on this machine, or ray, on a cluster")
    hub_url: str = setting("", "address under which jobs reach this hub; empty: as members do")
    cores: int = setting(0, "cores that jobs may use at once on this machine; 0 means all")
    memory_mb: int = setting(0, "memory one job may use; 0 means three quarters of the machine's")
    processes: int = setting(256, "processes one job may have at once")
    hours: int = setting(24, "longest run of one job")
    cgroup: str = setting(
        "", "cgroup v2 folder for jobs' limits; empty: beside the hub's own where that is allowed"
    )
    attempts: int = setting(3, "how often a job is started again when what ran it was lost")
    queue: int = setting(20, "jobs of one namespace that may wait")
    at_once: int = setting(0, "jobs of one namespace that may run at once; 0 sets no bound")
    cpu_hours: int = setting(0, "CPU hours a namespace may spend in a month; 0 sets no bound")
    spenders: list[str] = setting(  # noqa: RUF009  # it makes a field, no default
        ["everyone"], "who may start jobs: everyone, administrators, or names of members"
    )
    artefact_mb: int = setting(64, "largest file that a job may leave with the hub")
    keep_days: int = setting(14, "how long the checkpoints of a job that did not succeed are kept")
    keep_gb: int = setting(20, "how much all such checkpoints may take; the oldest go first")
    ray_address: str = setting("", "dashboard of the Ray cluster, like http://head:8265")
    ray_folder: str = setting(
        "", "folder shared by the cluster's nodes, where jobs keep checkpoints; empty: each node's"
    )
    ray_cores: int = setting(64, "cores that jobs may use at once on the cluster")
    ray_environment: dict[str, str] = setting(  # noqa: RUF009  # it makes a field, no default
        {}, "more environment of jobs on the cluster, like GLOO_SOCKET_IFNAME"
    )


def cores_for_jobs() -> int:
    """Cores of this machine that jobs may use at once."""
    return current(JobsSettings).cores or os.cpu_count() or 1
