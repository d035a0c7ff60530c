"""Measuring a model: the questions of a benchmark, what the model says, the scores of that."""

from llmos.lab.evaluation.opening import open_for
from llmos.lab.evaluation.questions import read_questions
from llmos.lab.evaluation.results import Evaluation
from llmos.lab.evaluation.running import evaluate

__all__ = ["Evaluation", "evaluate", "open_for", "read_questions"]
