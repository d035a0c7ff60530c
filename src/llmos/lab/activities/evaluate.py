"""An evaluation job: a model at a commit, and a benchmark or data at a commit, to a result.

The recipe is a benchmark in the words of eval.yaml. With a benchmark repository it may be left out,
and must not say anything else than the file does.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llmos.kit.files import written_whole
from llmos.lab.benchmarks import (
    Benchmark,
    as_content,
    benchmark_from,
    benchmark_hash,
    read_benchmark,
)
from llmos.lab.errors import BadBenchmark, EvaluationLost
from llmos.lab.evaluation import Evaluation, evaluate, open_for, read_questions
from llmos.lab.recipes.reading import recipe_hash
from llmos.lab.reports import Reporter
from llmos.lab.software import hardware, lock_hash, software_lock
from llmos.lab.sources import fetched
from llmos.lab.work import Repository, Spec
from llmos.wire.receipts import SAMPLES

_PATIENCE = 120  # seconds for a hub to take the samples


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, on the rows of which repository, lying where."""

    benchmark: Benchmark
    data: Repository
    rows: Path
    named: Mapping[str, Any] | None  # the benchmark as a result names it


def run(spec: Spec, folder: Path, reporter: Reporter) -> None:
    """Raises Refusal."""
    reporter.report("status", text="Fetching the benchmark and its data")
    plan = _of_benchmark(spec) if spec.has("benchmark") else _of_data(spec)
    questions = read_questions(plan.benchmark, plan.rows)
    reporter.report("status", text="Fetching the model")
    model = fetched(str(spec.input("model")), kind="model")
    engine = open_for(plan.benchmark, model)
    try:
        reporter.report("status", text=f"Asking {len(questions.asked)} questions")
        evaluation = evaluate(engine, plan.benchmark, questions, reporter)
    finally:
        engine.close()
    samples = b"".join(line + b"\n" for line in evaluation.lines())
    with written_whole(folder / SAMPLES) as file:
        file.write(samples)
    leave_with_hub(spec.job, samples)
    _report(spec, plan, evaluation, hashlib.sha256(samples).hexdigest(), reporter)


def leave_with_hub(job: str, samples: bytes) -> None:
    """Give the samples to the hub that runs this job; without one they stay in the folder.

    Raises EvaluationLost when the hub does not take them.
    """
    namespace, endpoint = os.environ.get("LLMOS_JOB_NAMESPACE"), os.environ.get("HF_ENDPOINT")
    if not namespace or not endpoint:
        return
    import httpx
    from huggingface_hub import get_token

    url = f"{endpoint.rstrip('/')}/api/jobs/{namespace}/{job}/artefacts/{SAMPLES}"
    headers = {"Authorization": f"Bearer {get_token()}"}
    try:
        answer = httpx.put(url, content=samples, headers=headers, timeout=_PATIENCE)
        answer.raise_for_status()
    except httpx.HTTPStatusError as error:
        said = error.response.headers.get("X-Error-Message", error.response.reason_phrase)
        raise EvaluationLost(f"The hub did not take the samples: {said}") from error
    except httpx.HTTPError as error:
        raise EvaluationLost(f"The hub could not be given the samples: {error}") from error


def _of_benchmark(spec: Spec) -> Plan:
    home = spec.input("benchmark")
    rows = fetched(str(home))
    benchmark = read_benchmark(rows)
    own = {"name": benchmark.name, "version": benchmark.version}
    asked = benchmark_from({**own, **spec.recipe}) if spec.recipe else benchmark
    if benchmark_hash(asked) != benchmark_hash(benchmark):
        raise BadBenchmark(
            "A benchmark decides by itself how it is measured: leave the recipe empty, or name "
            "data instead of a benchmark"
        )
    data = replace(home, role="data")
    if benchmark.data.repo:
        data = Repository("dataset", benchmark.data.repo, benchmark.data.revision, "data")
        if spec.has("data") and str(spec.input("data")) != str(data):
            raise BadBenchmark(f"This benchmark is measured on {data}, not {spec.input('data')}")
        rows = fetched(str(data))
    named = {
        "repo": home.repo,
        "commit": home.commit,
        "name": benchmark.name,
        "version": benchmark.version,
        "task": benchmark.task,
        "hash": benchmark_hash(benchmark),
    }
    return Plan(benchmark, data, rows, named)


def _of_data(spec: Spec) -> Plan:
    data = spec.input("data")
    benchmark = benchmark_from({"name": "settings", "version": "0", **spec.recipe})
    if benchmark.data.repo:
        raise BadBenchmark("The data of a job are an input in the role of 'data', not data.repo")
    return Plan(benchmark, data, fetched(str(data)), None)


def _report(
    spec: Spec, plan: Plan, evaluation: Evaluation, samples_hash: str, reporter: Reporter
) -> None:
    lock, model = software_lock(), spec.input("model")
    recipe = as_content(plan.benchmark)
    reporter.report(
        "made",
        recipe=recipe,
        recipe_hash=recipe_hash(recipe),
        software=lock,
        lock=lock_hash(lock),
        hardware=hardware(),
        seed=spec.seed,
        metrics={score.name: score.value for score in evaluation.scores},
    )
    data = {"repo": plan.data.repo, "commit": plan.data.commit, "split": plan.benchmark.data.split}
    result = evaluation.result(
        benchmark=plan.named,
        model={"repo": model.repo, "commit": model.commit},
        data=data,
    )
    reporter.report("result", **result)
    reporter.report("output", kind="", repo="", commit="", files={SAMPLES: samples_hash})
