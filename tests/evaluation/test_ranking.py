"""Places and the Pareto line, by their definitions."""

from hypothesis import given
from hypothesis import strategies as some

from llmos.evaluation.ranking import Score, pareto, place_among, places

scores = some.lists(
    some.builds(
        lambda value, spread: Score(value, value - spread, value + spread),
        some.integers(0, 20),
        some.integers(0, 4),
    ),
    max_size=12,
)
points = some.lists(some.tuples(some.integers(1, 9), some.integers(0, 9)), max_size=12)


@given(scores, some.booleans())
def test_places_count_who_is_surely_better_and_surely_worse(
    found: list[Score], higher: bool
) -> None:
    ends = [score.ends(higher_is_better=higher) for score in found]
    for (low, high), (first, last) in zip(
        ends, places(found, higher_is_better=higher), strict=True
    ):
        assert first == 1 + sum(other_low > high for other_low, _ in ends)
        assert last == len(ends) - sum(other_high < low for _, other_high in ends)
        assert first <= last


@given(points)
def test_the_line_holds_exactly_what_nothing_cheaper_or_equal_beats(
    found: list[tuple[int, int]],
) -> None:
    line = {found[index] for index in pareto(found)}
    for cost, value in found:
        beaten = any((c <= cost and v >= value) and (c, v) != (cost, value) for c, v in found)
        assert ((cost, value) in line) is not beaten


def test_less_is_better_where_a_metric_says_so() -> None:
    perplexities = [Score(10.0, 9.0, 11.0), Score(20.0, 19.0, 21.0)]
    assert places(perplexities, higher_is_better=False) == [(1, 1), (2, 2)]
    assert pareto([(1, 20), (2, 10)], higher_is_better=False) == [0, 1]
    assert place_among(Score(15), perplexities, higher_is_better=False) == 2


def test_a_score_without_an_interval_stands_for_itself() -> None:
    assert places([Score(2), Score(1), Score(2)]) == [(1, 2), (3, 3), (1, 2)]
