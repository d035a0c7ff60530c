"""A job on a Ray cluster: `python -m llmos.lab.cluster`, which Ray starts on one of its nodes.

The spec comes in the environment, since the hub's disk is elsewhere. Where a recipe asks for
several workers, Ray Train places them and each runs the same activity; the first one speaks, and
what it says comes through a queue to this process, whose output the hub follows.

The job works in a folder of its own under LLMOS_JOB_SHARED, which the nodes share; without one,
under the node's temporary folder, where a later attempt finds its checkpoints only if it is
placed on the same node.
"""

import json
import logging
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from llmos.kit.errors import Refusal
from llmos.lab import work
from llmos.lab.costs import measured
from llmos.lab.reports import Reporter, SilentReporter, StreamReporter

SUMMED = ("cpu_seconds", "gpu_seconds", "energy_wh")


def main() -> int:
    text = os.environ["LLMOS_JOB_SPEC_TEXT"]
    content = json.loads(text)
    folder = work_folder(content["job"])
    _use(folder)
    (folder / "spec.json").write_text(text, encoding="utf-8")
    os.environ["LLMOS_JOB_SPEC"] = str(folder / "spec.json")
    workers = int(content["recipe"].get("workers") or 1) if content["activity"] == "train" else 1
    status = work.main() if workers == 1 else _together(content, folder, workers)
    if status == 0:
        shutil.rmtree(folder, ignore_errors=True)
    return status


def work_folder(job: str) -> Path:
    """Where a job works, here or wherever the folder is shared."""
    shared = os.environ.get("LLMOS_JOB_SHARED")
    return Path(shared or Path(tempfile.gettempdir()) / "llmos-jobs") / job


def _use(folder: Path) -> None:
    (folder / "cache").mkdir(parents=True, exist_ok=True)
    os.environ["LLMOS_JOB_FOLDER"] = str(folder)
    os.environ["HF_HOME"] = str(folder / "cache")
    os.chdir(folder)


def _together(content: dict[str, Any], folder: Path, workers: int) -> int:
    """Run the job on workers that Ray Train places. Returns the exit status."""
    import ray
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer
    from ray.util.queue import Queue

    ray.init(log_to_driver=False, logging_level=logging.WARNING)
    on_gpus = content["recipe"].get("device") == "cuda"
    words = _Words(Queue(actor_options={"num_cpus": 0}))
    trainer = TorchTrainer(
        _work_on_one,
        train_loop_config={"spec": content, "folder": str(folder), "queue": words.queue},
        torch_config=TorchConfig(backend="nccl" if on_gpus else "gloo"),
        scaling_config=ScalingConfig(
            num_workers=workers, use_gpu=on_gpus, placement_strategy="SPREAD"
        ),
        run_config=RunConfig(name="train", storage_path=str(folder / "ray")),
    )
    listener = threading.Thread(target=words.repeat)
    listener.start()
    try:
        trainer.fit()
    finally:
        words.queue.put(None)
        listener.join()
    if words.costs:
        StreamReporter().report("cost", **_sum(words.costs))
    return work.REFUSED if words.is_refused else 0


class _Words:
    """What the workers say, on its way to the output of this process."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue
        self.costs: list[dict[str, Any]] = []
        self.is_refused = False

    def repeat(self) -> None:
        reporter = StreamReporter()
        while (said := self.queue.get()) is not None:
            event, fields = said
            if event == "cost":
                self.costs.append(fields)
                continue
            self.is_refused |= event == "refused"
            reporter.report(event, **fields)


class _QueueReporter:
    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def report(self, event: str, **fields: Any) -> None:
        self._queue.put((event, fields))


def _work_on_one(config: dict[str, Any]) -> None:
    """The life of one worker: its process group is there already."""
    import ray.train

    leads = ray.train.get_context().get_world_rank() == 0
    # Only the first has something to keep.
    folder = Path(config["folder"]) if leads else Path(tempfile.mkdtemp(prefix="llmos-worker-"))
    _use(folder)
    queue = _QueueReporter(config["queue"])
    reporter: Reporter = queue if leads else SilentReporter()
    try:
        with measured() as meter:
            try:
                work.run(work.read_spec(config["spec"]), folder, reporter)
            finally:
                queue.report("cost", **meter.cost().as_dict())
    except Refusal as refusal:
        reporter.report("refused", code=refusal.code, text=refusal.message)
    finally:
        if not leads:
            os.chdir("/")
            shutil.rmtree(folder, ignore_errors=True)


def _sum(costs: list[dict[str, Any]]) -> dict[str, Any]:
    """Of all workers together: time adds up, what they waited for each other does not."""
    total = max(costs, key=lambda cost: cost["wall_seconds"]).copy()
    for name in SUMMED:
        total[name] = round(sum(cost[name] for cost in costs), 3)
    total["peak_memory_bytes"] = sum(cost["peak_memory_bytes"] for cost in costs)
    return total


if __name__ == "__main__":
    sys.exit(main())
