"""How pages say tasks, metrics and numbers."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from llmos.evaluation.ranking import Places


def task_word(task: str) -> str:
    words = {
        "translation": _("Translation"),
        "summarization": _("Summarisation"),
        "question-answering": _("Question answering"),
        "text-generation": _("Text generation"),
        "language-modelling": _("Language modelling"),
        "classification": _("Classification"),
    }
    return words.get(task, task)


def metric_word(metric: str) -> str:
    """As the field writes it; names that are no words stay as they are."""
    words = {
        "sacrebleu": "BLEU",
        "chrf": "chrF",
        "rouge1": "ROUGE-1",
        "rouge2": "ROUGE-2",
        "rougeL": "ROUGE-L",
        "exact_match": _("Exact match"),
        "squad_exact_match": _("Exact match (SQuAD)"),
        "squad_f1": "F1 (SQuAD)",
        "accuracy": _("Accuracy"),
        "accuracy_norm": _("Accuracy (normalised)"),
        "perplexity": _("Perplexity"),
    }
    return words.get(metric, metric)


def number(value: float) -> str:
    """As precise as a score is worth: two decimals, or four digits of a small one."""
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.4g}"


def seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3g} s" if value < 100 else f"{value:,.0f} s"


def watt_hours(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g} Wh"


def place(places: Places | None) -> str:
    """`3`, or `2–5` where several share places; claims have none."""
    if places is None:
        return "–"
    first, last = places
    return str(first) if first == last else f"{first}–{last}"


# What every template of this room may call; functions, since macros cost ten times as much a row.
SPOKEN: dict[str, Callable[..., Any]] = {
    "task_word": task_word,
    "metric_word": metric_word,
    "seconds": seconds,
    "watt_hours": watt_hours,
    "place": place,
}
