"""What is typed into the search box, as filters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmos.community.finding.wishes import CONVERSATIONS, REPOSITORIES, Wish, wish_from


def test_filters_are_read_from_among_the_words() -> None:
    wish = wish_from({"q": "attention author:@Ada solved:yes lang:zh after:2026-01-31 is"})

    assert wish == Wish(
        text="attention is", author="Ada", solved="yes", lang="zh", after="2026-01-31"
    )
    assert wish.kinds == ("topic",)
    assert wish.repository_kinds == ()


def test_what_makes_no_sense_is_left_out() -> None:
    wish = wish_from({"q": "a", "type": "spaceship", "after": "yesterday", "lang": "中文"})

    assert wish == Wish(text="a")
    assert wish.kinds == CONVERSATIONS
    assert wish.repository_kinds == REPOSITORIES


def test_words_with_a_colon_that_are_no_filters_stay_words() -> None:
    assert wish_from({"q": "error: cuda:0 http://x"}).text == "error: cuda:0 http://x"


@pytest.mark.parametrize("name", ["type", "author", "solved", "lang", "after", "sort"])
def test_an_address_says_the_whole_wish(name: str) -> None:
    values = {
        "type": "topic",
        "author": "ada",
        "solved": "no",
        "lang": "en",
        "after": "2026-02-01",
        "sort": "new",
    }
    wish = Wish(text="words", **{name: values[name]})

    assert wish.address() == f"/search?q=words&{name}={values[name]}"


@given(st.text(max_size=300))
def test_any_text_is_a_wish(text: str) -> None:
    wish = wish_from({"q": text})

    assert len(wish.text) <= 200
    assert wish.address().startswith("/search")
