"""Texts made to be slow, in a post's full length: each costs less than a second and is shown."""

import time

import pytest
from tests.community.keeping import topic, viewer

from llmos.accounts.access import ANONYMOUS
from llmos.community.threads.actions import LONGEST_TEXT
from llmos.community.threads.models import Post
from llmos.community.threads.rendering import filled, render
from llmos.kit.text import cleaned

pytestmark = pytest.mark.django_db
N = LONGEST_TEXT
BOMBS = {
    "quotes 10,000 deep": ">" * 10_000 + " x",
    "quotes 10,000 deep, spaced": "> " * 10_000 + "x",
    "lists in lists": "\n".join("  " * i + "- x" for i in range(300)),
    "brackets": "[" * N,
    "links in links": "[a](" * (N // 4),
    "pictures": "![" * (N // 2),
    "stars": "*" * N,
    "mixed emphasis": "*_" * (N // 2),
    "emphasis never closed": "*a _b " * (N // 6),
    "backticks": "".join("`" * i + " " for i in range(1, 440)),
    "tags": "<b>" * (N // 3),
    "boxes": "<div>" * (N // 5),
    "tables": "<table>" * (N // 7),
    "a wide table": "|"
    + "a|" * 2000
    + "\n|"
    + "-|" * 2000
    + "\n"
    + ("|" + "b|" * 2000 + "\n") * 20,
    "a long table": "|a|b|\n|-|-|\n" + "|c|d|\n" * 15_000,
    "a table of bars": "a|b\n-|-\n" + "|\n" * 45_000,
    "formulas": "$x^2$ " * (N // 6),
    "half formulas": "$$a" * (N // 3),
    "a deep formula": "$" + "\\frac{" * 150 + "a" + "}{b}" * 150 + "$",
    "footnotes": "[^1]\n\n[^1]: " + "[^1] " * 19_000,
    "open footnotes": "^[" * (N // 2),
    "headings alike": "# a\n" * (N // 4),
    "underlined headings": "a\n=\n" * (N // 4),
    "addresses": "http://a.b/ " * (N // 12),
    "an address of brackets": "http://a.b/" + "(" * 50_000 + ")" * 40_000,
    "half addresses": "<http://a" * (N // 9),
    "a thousand people": " ".join(f"@user{i}" for i in range(1000)),
    "one person": "@ada " * (N // 5),
    "a long person": "@" + "a" * (N - 1),
    "tags of ours": " ".join(f"#tag{i}" for i in range(10_000)),
    "lone links": "\n\n".join(f"[x](/t/{i}/x)" for i in range(6000)),
    "lone posts": "\n\n".join(f"[x](/t/{i}/x/3)" for i in range(5000)),
    "lines": "a\n" * (N // 2),
    "python of brackets": "```python\n" + "(" * (N - 20) + "\n```",
    "perl of slashes": "```perl\n" + "/" * (N - 20) + "\n```",
    "yaml of lists": "```yaml\n" + "- " * 40_000 + "\n```",
    "code after code": "```python\nx=1\n```\n" * 5000,
    "stacked accents": ("a" + "\u0301" * 50) * 1900,
    "turned text": "\u202ea\u2066" * (N // 3),
    "entities": "&amp;" * (N // 5),
    "angles": "<" * N,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_text_made_to_be_slow_is_not(name: str) -> None:
    text = cleaned(BOMBS[name][:N])
    start = time.thread_time()
    html = filled([Post(pk=7, number=2, html=render(text).html)], ANONYMOUS)[7]
    # A second on a quiet machine; a busy one counts waiting for memory as work.
    assert time.thread_time() - start < 2.5
    assert html


def test_stacked_accents_and_turned_text_are_brought_into_order() -> None:
    thread = topic(viewer(), text="a" + "\u0301" * 50 + "\u202eevil\u2066")
    text = thread.posts.get().text
    assert text.count("\u0301") <= 4
    assert "\u202e" not in text
    assert "\u2066" not in text
