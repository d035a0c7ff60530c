"""Benchmarks: what is measured, on which rows, and how, as a file `eval.yaml` in a data set.

The schema is the dataclasses below, and docs/reference/benchmarks.md describes it. Two hubs with
the same file and the same commit of the data ask every model the same. `name` and `description`
are the words that other hubs use in a file of this name.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from llmos.kit.speaking import spoken as _
from llmos.lab.errors import BadBenchmark
from llmos.lab.schemas import built
from llmos.wire.receipts import canonical

FILE = "eval.yaml"

Task = Literal[
    "translation",
    "summarization",
    "question-answering",
    "text-generation",
    "language-modelling",
    "classification",
]
# What the field reports for a task, where a benchmark names no metric; the first is primary.
USUAL_METRICS: Mapping[str, tuple[str, ...]] = {
    "translation": ("sacrebleu", "chrf"),
    "summarization": ("rougeL", "rouge1", "rouge2"),
    "question-answering": ("squad_f1", "squad_exact_match"),
    "text-generation": ("exact_match",),
    "language-modelling": ("perplexity",),
    "classification": ("accuracy", "accuracy_norm"),
}
# Which options a metric takes; any name but these is unknown.
METRIC_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "sacrebleu": ("tokenize",),
    "chrf": (),
    "rouge1": ("language",),
    "rouge2": ("language",),
    "rougeL": ("language",),
    "exact_match": (),
    "squad_exact_match": ("language",),
    "squad_f1": ("language",),
    "accuracy": (),
    "accuracy_norm": (),
    "perplexity": ("unit",),
}
_OF_TEXT = "sacrebleu chrf rouge1 rouge2 rougeL exact_match squad_exact_match squad_f1".split()
METRICS_OF_TASK: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(USUAL_METRICS, tuple(_OF_TEXT)),
    "language-modelling": ("perplexity",),
    "classification": ("accuracy", "accuracy_norm"),
}
PLACE = re.compile(r"\{(\w+)\}")  # of a column in a prompt
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class DataChoice:
    repo: str = ""  # data set `namespace/name`; empty: the benchmark's own repository
    revision: str = ""  # the commit of it; with `repo` only
    split: str = "test"
    limit: int = 0  # the first so many rows; 0 is all


@dataclass(frozen=True, slots=True)
class Columns:
    source: str = ""  # what the model reads: text, or the question
    target: str = (
        ""  # what is right: text, a list of texts, a label; the text of language-modelling
    )
    context: str = ""  # question-answering: the text that holds the answer
    choices: str = ""  # classification: a list of texts in each row


@dataclass(frozen=True, slots=True)
class MetricChoice:
    name: str
    tokenize: str = ""  # sacrebleu: 13a, zh, char, intl …; empty: zh for Chinese, else 13a
    language: Literal["", "en", "zh"] = ""  # rouge, squad; empty: by the targets
    unit: Literal["", "byte", "word", "token"] = ""  # perplexity; empty: byte


@dataclass(frozen=True, slots=True)
class DecodingChoice:
    beam: int = 5  # encoder-decoders
    length_penalty: float = 1.0
    max_new: int = 256  # tokens
    temperature: float = 0.0  # 0: always the likeliest
    top_k: int = 0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Benchmark:
    name: str
    version: str  # a new version is a new board
    task: Task
    description: str = ""
    data: DataChoice = field(default_factory=DataChoice)
    columns: Columns = field(default_factory=Columns)
    prompt: str = ""  # for causal models, `{column}` stands for its value
    chat: bool = False  # send the prompt as a message, in the model's own chat format
    answer: str = ""  # regular expression; its last match in an output (and a target) counts
    ignore: str = ""  # regular expression; removed from answers and targets before comparing
    choices: tuple[str, ...] = ()  # classification: the same for all rows
    delimiter: str = " "  # classification: between prompt and choice
    metrics: tuple[MetricChoice, ...] = ()  # the first is primary
    decoding: DecodingChoice = field(default_factory=DecodingChoice)

    @property
    def primary(self) -> str:
        return self.metrics[0].name


def read_benchmark(folder: Path) -> Benchmark:
    """The benchmark in a folder (or a file of it). Raises BadBenchmark."""
    path = folder / FILE if folder.is_dir() else folder
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadBenchmark(f"{folder.name} is no benchmark: it has no readable {FILE}") from None
    return parse_benchmark(text)


def parse_benchmark(text: str) -> Benchmark:
    """Raises BadBenchmark."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadBenchmark(f"{FILE} is no YAML: {error}") from error
    return benchmark_from(content)


def benchmark_from(content: Any) -> Benchmark:
    """A benchmark from its parsed YAML or JSON. Raises BadBenchmark."""
    if not isinstance(content, Mapping):
        raise BadBenchmark(_("A benchmark is a YAML mapping that begins with `name:`"))
    said = dict(content)
    if said.pop("evaluation_framework", "llmos") != "llmos" or "tasks" in said:
        raise BadBenchmark(
            _(
                "This eval.yaml is written for another evaluation framework; here it says "
                "`task`, `columns` and `metrics`"
            )
        )
    for key in ("name", "version", "task"):
        if said.get(key) in (None, ""):
            raise BadBenchmark(_("A benchmark must say its `%(key)s`") % {"key": key})
    said["version"] = str(said["version"])
    if isinstance(metrics := said.get("metrics"), str | Mapping):
        said["metrics"] = [metrics]
    if isinstance(said.get("metrics"), list):
        said["metrics"] = [
            {"name": one} if isinstance(one, str) else one for one in said["metrics"]
        ]
    benchmark = built(Benchmark, said, noun="a benchmark", refuse=BadBenchmark)
    if not benchmark.metrics:
        usual = tuple(MetricChoice(name) for name in USUAL_METRICS[benchmark.task])
        benchmark = replace(benchmark, metrics=usual)
    _check(benchmark)
    return benchmark


def as_content(benchmark: Benchmark) -> dict[str, Any]:
    """Plain JSON values, all of them; `benchmark_from` reads them back."""
    found: dict[str, Any] = json.loads(canonical(asdict(benchmark)))
    return found


def benchmark_hash(benchmark: Benchmark) -> str:
    """SHA-256 of what is asked and how, in canonical JSON; a description may change."""
    content = {**as_content(benchmark), "description": ""}
    return hashlib.sha256(canonical(content)).hexdigest()


def columns_named(benchmark: Benchmark) -> list[str]:
    """Every column of the rows that a definition speaks of, in its prompt as well."""
    columns = benchmark.columns
    named = (columns.source, columns.target, columns.context, columns.choices)
    return list(dict.fromkeys([*filter(None, named), *PLACE.findall(benchmark.prompt)]))


def _check(benchmark: Benchmark) -> None:
    _check_data(benchmark)
    _check_columns(benchmark)
    _check_metrics(benchmark)
    decoding = benchmark.decoding
    if not 1 <= decoding.beam <= 32:
        raise BadBenchmark("decoding.beam lies between 1 and 32")
    if not 1 <= decoding.max_new <= 32768:
        raise BadBenchmark("decoding.max_new lies between 1 and 32768")
    if not math.isfinite(decoding.temperature + decoding.length_penalty):
        raise BadBenchmark("decoding: temperature and length_penalty are finite numbers")
    if decoding.temperature < 0 or not 0 < decoding.top_p <= 1 or decoding.top_k < 0:
        raise BadBenchmark("decoding: temperature and top_k are not below 0, top_p in (0, 1]")
    if not 0 <= decoding.seed < 2**31:
        raise BadBenchmark("decoding.seed is a whole number from 0 to 2147483647")
    for key in ("answer", "ignore"):
        try:
            re.compile(getattr(benchmark, key))
        except re.error as error:
            raise BadBenchmark(f"{key} is no regular expression: {error}") from error


def _check_data(benchmark: Benchmark) -> None:
    data = benchmark.data
    if data.limit < 0:
        raise BadBenchmark("data.limit is not below 0")
    if data.repo and not _REPOSITORY.fullmatch(data.repo):
        raise BadBenchmark(f"data.repo = {data.repo!r}: write namespace/name")
    if data.repo and not _COMMIT.fullmatch(data.revision):
        raise BadBenchmark(
            "data.revision must be a whole commit (40 letters and digits): a branch moves, "
            "and scores on moving data cannot be compared"
        )
    if data.revision and not data.repo:
        raise BadBenchmark("data.revision goes with data.repo; without it, data lie beside this")


def _check_columns(benchmark: Benchmark) -> None:
    task, columns = benchmark.task, benchmark.columns
    needed = ["target"]
    if task in {"translation", "summarization", "question-answering"}:
        needed = ["source", "target"]
    if task == "classification":
        if not columns.choices and len(benchmark.choices) < 2:
            raise BadBenchmark(
                _("classification wants `choices`: at least two, or columns.choices")
            )
        if columns.choices and benchmark.choices:
            raise BadBenchmark(_("Say `choices` or columns.choices, not both"))
    for name in needed:
        if not getattr(columns, name):
            raise BadBenchmark(
                _("%(task)s wants columns.%(name)s (on the command line --%(name)s)")
                % {"task": task, "name": name}
            )
    if task in {"text-generation", "classification"} and not (benchmark.prompt or columns.source):
        raise BadBenchmark(_("%(task)s wants a `prompt` or columns.source") % {"task": task})


def _check_metrics(benchmark: Benchmark) -> None:
    fitting = METRICS_OF_TASK[benchmark.task]
    for metric in benchmark.metrics:
        if metric.name not in METRIC_OPTIONS:
            raise BadBenchmark(
                _("There is no metric %(name)r; there are %(known)s")
                % {"name": metric.name, "known": ", ".join(METRIC_OPTIONS)}
            )
        if metric.name not in fitting:
            raise BadBenchmark(
                _("%(name)s does not measure %(task)s; these do: %(fitting)s")
                % {"name": metric.name, "task": benchmark.task, "fitting": ", ".join(fitting)}
            )
        for option in ("tokenize", "language", "unit"):
            if getattr(metric, option) and option not in METRIC_OPTIONS[metric.name]:
                raise BadBenchmark(f"The metric {metric.name} has no option {option!r}")
    names = [metric.name for metric in benchmark.metrics]
    if len(set(names)) < len(names):
        raise BadBenchmark(_("Each metric can be named once"))
