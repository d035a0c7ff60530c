"""What tasks and metrics are called on pages."""

from django.utils.translation import gettext as _


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
