"""Guides are there in both languages and lead to each other."""

import re

import pytest

from llmos.community.welcome.guides import NAMES, guide_named


@pytest.mark.parametrize("name", NAMES)
def test_a_guide_is_there_in_both_languages(name: str) -> None:
    english, chinese = guide_named(name, "en"), guide_named(name, "zh-hans")

    assert english is not None
    assert chinese is not None
    assert english.title != chinese.title
    assert re.search("[\u4e00-\u9fff]", chinese.text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_links_of_a_guide_lead_to_pages(name: str, language: str) -> None:
    guide = guide_named(name, language)
    assert guide is not None
    links = re.findall(r"\]\(([^)]+)\)", guide.text)

    for link in links:
        assert link.startswith(("/", "#", "http://", "https://")), link
        if link.startswith("/guides/"):
            assert link.removeprefix("/guides/").partition("#")[0] in NAMES


def test_a_name_that_no_guide_has_is_none() -> None:
    assert guide_named("../../secret", "en") is None
