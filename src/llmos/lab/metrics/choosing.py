"""The metrics that a benchmark names, applied to what a model said or found likely."""

from collections.abc import Sequence
from typing import Any

from llmos.lab.benchmarks import MetricChoice
from llmos.lab.metrics import likelihoods, squad, texts
from llmos.lab.metrics.counting import Score, scored
from llmos.lab.metrics.languages import language_of
from llmos.lab.metrics.likelihoods import Chosen, Surprise
from llmos.lab.metrics.texts import References


def measure_texts(
    metrics: Sequence[MetricChoice], outputs: Sequence[str], references: References
) -> list[Score]:
    """Raises BadBenchmark for a tokeniser that sacreBLEU does not have here."""
    return [scored(_of_texts(metric, outputs, references)) for metric in metrics]


def measure_choices(metrics: Sequence[MetricChoice], rows: Sequence[Chosen]) -> list[Score]:
    known = {"accuracy": likelihoods.accuracy, "accuracy_norm": likelihoods.accuracy_norm}
    return [scored(known[metric.name](rows)) for metric in metrics]


def measure_likelihoods(metrics: Sequence[MetricChoice], rows: Sequence[Surprise]) -> list[Score]:
    return [scored(likelihoods.perplexity(rows, unit=one.unit or "byte")) for one in metrics]


def _of_texts(metric: MetricChoice, outputs: Sequence[str], references: References) -> Any:
    language = metric.language or language_of(text for row in references for text in row)
    if metric.name == "sacrebleu":
        tokenize = metric.tokenize or ("zh" if language == "zh" else "13a")
        return texts.sacrebleu(outputs, references, tokenize=tokenize)
    if metric.name == "chrf":
        return texts.chrf(outputs, references)
    if metric.name == "exact_match":
        return texts.exact_match(outputs, references)
    if metric.name == "squad_f1":
        return squad.squad_f1(outputs, references, language=language)
    if metric.name == "squad_exact_match":
        return squad.squad_exact_match(outputs, references, language=language)
    return texts.rouge(metric.name, outputs, references, language=language)
