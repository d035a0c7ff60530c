"""A member's Markdown as a line of plain words."""

import pytest

from llmos.kit.text import plain_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("**Try** `llmos_train --rank 8` first.", "Try llmos_train --rank 8 first."),
        (
            "[wei/idioms](/datasets/wei/idioms) 新版：\n\n1. 出处\n2. 拼音",
            "wei/idioms 新版： 出处 拼音",
        ),
        ("> asked before\n\nYes, *twice*.", "Yes, twice."),
        ("> nothing but a quote", "nothing but a quote"),
        ("So:\n\n```sh\nls\n```\n\n$$x^2$$\n\ndone", "So: done"),
        ("| a | b |\n|---|--:|\n| 1 | 2 |", "a b 1 2"),
        ("# Title\n\n- [x] done", "done"),
        ("## Only a title", "Only a title"),
        ("3 - 2 = 1, and a*b * c", "3 - 2 = 1, and a*b * c"),
        ("", ""),
    ],
)
def test_marks_are_left_out(text: str, words: str) -> None:
    assert plain_words(text, longest=280) == words


def test_long_texts_are_cut_at_a_word() -> None:
    assert plain_words("one two three", longest=9) == "one two …"
    assert plain_words("字" * 30, longest=9) == "字" * 9 + " …"


def test_a_text_of_nothing_but_marks_takes_no_time() -> None:
    assert len(plain_words("[(" * 200_000, longest=280)) < 300
