"""What a job runs: `python -m llmos.lab.work`, the same here and on a cluster.

Reads the spec named by LLMOS_JOB_SPEC, works in LLMOS_JOB_FOLDER, which is kept between
attempts, and tells of itself on standard output (`reports.py`). It knows the hub only through
huggingface_hub: HF_ENDPOINT, HF_TOKEN and HF_HOME are in its environment.

Exit status: 0 done, 2 refused (an event says why), anything else a fault.
"""

import json
import os
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from llmos.kit.errors import Refusal
from llmos.kit.loading import uncollected
from llmos.lab.costs import measured
from llmos.lab.errors import BadRecipe
from llmos.lab.reports import Reporter, SilentReporter, StreamReporter
from llmos.lab.training.nursery import open_nursery

VERSION = 1
REFUSED = 2
ACTIVITIES = ("train", "evaluate")


@dataclass(frozen=True, slots=True)
class Repository:
    kind: str  # "model" or "dataset"
    repo: str
    commit: str = ""
    role: str = ""

    def __str__(self) -> str:
        return f"{self.repo}@{self.commit}" if self.commit else self.repo


@dataclass(frozen=True, slots=True)
class Spec:
    """One job: a function from commits to a commit."""

    job: str
    activity: str
    inputs: list[Repository]
    output: Repository | None
    recipe: dict[str, Any]
    seed: int
    rebuild: bool = False  # make it again and tell the hashes, but push nothing
    arguments: dict[str, Any] = field(default_factory=dict)

    def input(self, role: str) -> Repository:
        """Raises BadRecipe."""
        for one in self.inputs:
            if one.role == role:
                return one
        raise BadRecipe(f"This job needs an input in the role of {role!r}")

    def has(self, role: str) -> bool:
        return any(one.role == role for one in self.inputs)


def read_spec(content: dict[str, Any]) -> Spec:
    """Raises BadRecipe for another version."""
    if content.get("version") != VERSION:
        raise BadRecipe(f"This LLMOS runs jobs of version {VERSION}, not {content.get('version')}")
    output = content.get("output")
    return Spec(
        job=content["job"],
        activity=content["activity"],
        inputs=[_repository(one) for one in content["inputs"]],
        output=_repository(output) if output else None,
        recipe=content["recipe"],
        seed=content["seed"],
        rebuild=content.get("rebuild", False),
        arguments=content.get("arguments", {}),
    )


def run(spec: Spec, folder: Path, reporter: Reporter) -> None:
    """Do the activity. Raises Refusal."""
    if spec.activity not in ACTIVITIES:
        raise BadRecipe(f"There is no activity {spec.activity!r}")
    with uncollected():
        activity = import_module(f"llmos.lab.activities.{spec.activity}")
    activity.run(spec, folder, reporter)


def main() -> int:
    # Of the workers that a cluster starts, the first tells for all.
    reporter = SilentReporter() if int(os.environ.get("RANK", "0")) else StreamReporter()
    folder = Path(os.environ["LLMOS_JOB_FOLDER"])
    try:
        spec = read_spec(json.loads(Path(os.environ["LLMOS_JOB_SPEC"]).read_text("utf-8")))
        if "RANK" not in os.environ and spec.recipe.get("workers", 1) > 1:
            open_nursery()  # before this process loads torch: the two do so at the same time
        with measured() as meter:
            try:
                run(spec, folder, reporter)
            finally:
                reporter.report("cost", **meter.cost().as_dict())
    except Refusal as refusal:
        reporter.report("refused", code=refusal.code, text=refusal.message)
        return REFUSED
    return 0


def _repository(content: dict[str, Any]) -> Repository:
    return Repository(
        content["kind"], content["repo"], content.get("commit", ""), content.get("role", "")
    )


if __name__ == "__main__":
    sys.exit(main())
