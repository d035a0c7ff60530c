"""What evaluation adds to repository pages: scores of a model, the board of a benchmark."""

from django.http import HttpRequest

from llmos.evaluation.definitions import definition_at, has_definition
from llmos.evaluation.queries import current_board, scores_of
from llmos.evaluation.words import SPOKEN, metric_word, task_word
from llmos.hub.additions import Panel
from llmos.hub.door import Opened
from llmos.lab.errors import BadBenchmark


def scores(request: HttpRequest, at: Opened) -> Panel | None:
    """Measured scores and claims; nothing where there are none and the viewer cannot ask."""
    if at.repository.type != "model":
        return None
    found = scores_of(at.viewer, at.repository)
    may_ask = at.rights.read and not at.viewer.is_anonymous
    if not (found.results or found.claims or may_ask):
        return None
    context = {
        "results": found.results,
        "claims": found.claims,
        "may_ask": may_ask,
        "name": at.repository.full_name,
        **SPOKEN,
    }
    return Panel("evaluation/parts/scores.html", context)


def benchmark(request: HttpRequest, at: Opened) -> Panel | None:
    """Where the board of a data set is, or what is wrong with its eval.yaml."""
    if at.repository.type != "dataset" or not has_definition(at.repository, at.sha):
        return None
    context = {"name": at.repository.full_name, "may_write": at.rights.write, "problem": ""}
    try:
        definition = definition_at(at.repository, at.sha)
        assert definition is not None
        board = current_board(at.repository)
        is_open = board is not None and board.digest == definition.digest
        context |= {
            "asked": definition.benchmark,
            "board": board if is_open else None,
            "task": task_word(definition.benchmark.task),
            "metric": metric_word(definition.benchmark.primary),
        }
    except BadBenchmark as refusal:
        context["problem"] = refusal.message
    return Panel("evaluation/parts/benchmark.html", context)
