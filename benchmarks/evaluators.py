"""One evaluator with its model loaded, which runs a task for each line that it is sent.

`python -m benchmarks.evaluators ours|lm_eval MODEL FOLDER`; a line is `TASK BATCH`, the answer a
line of JSON with the seconds it took and the scores.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_NEW = 24
Scores = list[float]
Run = Callable[[str, int], Scores]


def main() -> None:
    kind, model, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    run = {"ours": ours, "lm_eval": lm_eval}[kind](model, folder)
    for line in sys.stdin:
        task, batch = line.split()
        start = time.perf_counter()
        scores = run(task, int(batch))
        told = {"seconds": time.perf_counter() - start, "scores": scores}
        sys.stdout.write("\n" + json.dumps(told) + "\n")
        sys.stdout.flush()


def ours(model: Path, folder: Path) -> Run:
    from llmos.lab.benchmarks import benchmark_from
    from llmos.lab.evaluation import evaluate, open_for, read_questions
    from llmos.lab.reports import SilentReporter

    named = {"name": "bench", "version": "1", "prompt": "{question}"}
    benchmarks = {
        "choosing": benchmark_from(
            {
                **named,
                "task": "classification",
                "columns": {"choices": "choices", "target": "label"},
                "metrics": ["accuracy", "accuracy_norm"],
            }
        ),
        "writing": benchmark_from(
            {
                **named,
                "task": "text-generation",
                "columns": {"target": "answer"},
                "metrics": ["sacrebleu", "chrf"],
                "decoding": {"max_new": MOST_NEW, "stop": ["\n"]},
            }
        ),
    }
    engine = open_for(benchmarks["choosing"], model)

    def run(task: str, batch: int) -> Scores:
        benchmark = benchmarks[task]
        questions = read_questions(benchmark, folder / f"{task}.jsonl")
        found = evaluate(engine, benchmark, questions, SilentReporter())
        return [score.value for score in found.scores]

    return run


def lm_eval(model: Path, folder: Path) -> Run:
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(folder / "hf")}
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    _write_tasks(folder)
    loaded = HFLM(pretrained=str(model), dtype="float32", device="cpu", batch_size=1)
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    scores = {
        "choosing": [("acc,none", 100), ("acc_norm,none", 100)],
        "writing": [("bleu,none", 1), ("chrf,none", 1)],
    }

    def run(task: str, batch: int) -> Scores:
        loaded.batch_size_per_gpu = batch
        found: Any = simple_evaluate(
            model=loaded, tasks=[task], task_manager=manager, bootstrap_iters=0, log_samples=False
        )
        return [found["results"][task][name] * by for name, by in scores[task]]

    return run


def _write_tasks(folder: Path) -> None:
    common: dict[str, Any] = {
        "dataset_path": "json",
        "test_split": "test",
        "doc_to_text": "{{question}}",
    }
    tasks: dict[str, dict[str, Any]] = {
        "choosing": {
            "output_type": "multiple_choice",
            "doc_to_target": "label",
            "doc_to_choice": "choices",
            "target_delimiter": " ",
            "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
        },
        "writing": {
            "output_type": "generate_until",
            "doc_to_target": "{{answer}}",
            "generation_kwargs": {"until": ["\n"], "max_gen_toks": MOST_NEW, "do_sample": False},
            "metric_list": [{"metric": "bleu"}, {"metric": "chrf"}],
        },
    }
    for name, task in tasks.items():
        data = {"dataset_kwargs": {"data_files": {"test": str(folder / f"{name}.jsonl")}}}
        (folder / f"{name}.yaml").write_text(json.dumps({"task": name, **common, **data, **task}))


if __name__ == "__main__":
    main()
