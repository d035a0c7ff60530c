"""Metrics by the libraries the field trusts, each with an interval and a signature."""

from llmos.lab.metrics.choosing import measure_choices, measure_likelihoods, measure_texts
from llmos.lab.metrics.counting import Score

__all__ = ["Score", "measure_choices", "measure_likelihoods", "measure_texts"]
