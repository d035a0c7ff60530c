"""The piece of a post that a search shows."""

import pytest

from llmos.community.finding.queries import excerpt


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("| a | b |\n|---|---:|\n| 1 | 2 |", "a b 1 2"),
        ("- [x] trained\n- [ ] evaluated\n3. told", "trained evaluated told"),
        ("Run\n```python\nprint(1)\n```\nnow", "Run print(1) now"),
        ("## How\nLoss $x_1$ is - 3 (#4)", "How Loss is - 3 (#4)"),
    ],
)
def test_an_excerpt_is_words_and_no_markup(text: str, shown: str) -> None:
    assert excerpt(text, "nothing") == shown


def test_an_excerpt_marks_what_was_asked_for_and_nothing_else() -> None:
    assert excerpt("<b>分词</b> is `hard`", "分词") == "&lt;b <mark>分词</mark>&lt;/b is hard"
