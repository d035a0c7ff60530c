"""What follows from an article's words alone: outline, reading time, citations, front matter."""

from datetime import UTC, date, datetime

import pytest
import yaml

from llmos.community.blog.citation import Citable, bibtex, cff, plain
from llmos.community.blog.errors import BadArticle
from llmos.community.blog.files import EXAMPLE, Written, is_article, read_article
from llmos.community.blog.reading import minutes_of, outline_of
from llmos.community.blog.words import opening_of
from llmos.store.markup import render_markdown

CITED = Citable(
    title="50% fewer errors & {more}",
    authors=("Ada Lovelace", "张伟"),
    day=date(2026, 11, 26),
    address="https://hub.example/blog/ada/fewer-errors",
    publisher="ada, LLMOS",
    slug="fewer-errors",
    language="en",
    summary="A summary.",
)


def test_the_outline_has_the_headings_that_the_text_is_anchored_at() -> None:
    html = str(render_markdown("# One\n\ntext\n\n## Two `code`\n\n#### Deep\n\n# 三 **粗**\n"))
    found = outline_of(html)
    assert [(one.level, one.text) for one in found] == [(2, "One"), (3, "Two code"), (2, "三 粗")]
    assert all(f'id="{one.id}"' in html for one in found)


def test_a_text_with_one_heading_needs_no_outline() -> None:
    assert outline_of(str(render_markdown("## Only one\n\ntext"))) == ()


def test_reading_takes_time_in_every_language() -> None:
    assert minutes_of("short") == 1
    assert minutes_of("word " * 2300) == 10
    assert minutes_of("字" * 3800) == 10
    assert minutes_of("word " * 1150 + "字" * 1900) == 10
    assert minutes_of("```\n" + "code " * 2300 + "\n```\n") == 4


def test_lists_show_first_words_without_marks_of_footnotes() -> None:
    text = "# A title\n\nWe asked two judges.[^1] They **agreed**.\n\n[^1]: Here.\n"
    assert opening_of(text) == "We asked two judges. They agreed."


def test_a_bibtex_entry_stays_whole_whatever_the_title_says() -> None:
    entry = bibtex(CITED)
    assert entry.startswith("@online{adalovelace2026fewer,\n")
    assert r"title = {{50\% fewer errors \& \{more\}}}," in entry
    assert "author = {{Ada Lovelace} and {张伟}}," in entry
    assert "month = nov," in entry
    assert entry.count("{") == entry.count("}")


def test_a_citation_file_is_yaml_of_version_1_2() -> None:
    found = yaml.safe_load(cff(CITED))
    assert found["cff-version"] == "1.2.0"
    assert found["preferred-citation"]["type"] == "blog"
    assert found["preferred-citation"]["authors"] == [{"name": "Ada Lovelace"}, {"name": "张伟"}]
    assert found["preferred-citation"]["url"] == CITED.address


def test_a_citation_in_a_sentence_names_all_that_finds_it_again() -> None:
    assert plain(CITED) == (
        "Ada Lovelace, 张伟 (2026). 50% fewer errors & {more}. ada, LLMOS. "
        "https://hub.example/blog/ada/fewer-errors"
    )


def read(front: str, text: str = "Text.\n") -> Written | None:
    return read_article(f"---\n{front}---\n{text}".encode(), "articles/a-file.md", "/at/{}".format)


def test_front_matter_says_what_a_form_can_say() -> None:
    found = read(
        "title: 'Measuring: twice'\ntags: [one, two]\nlanguage: en\ncover: a.png\n"
        "cover_text: A curve\nseries: {title: Measuring, part: 2}\nauthors: bob, eve\n"
        "publish_at: 2026-12-01T09:30:00Z\ndraft: true\nsummary: Short.\n"
    )
    assert found is not None
    words = found.words
    assert (words.title, words.slug, words.tags) == ("Measuring: twice", "a-file", ("one", "two"))
    assert (words.cover, words.series, words.part) == ("/at/a.png", "Measuring", 2)
    assert found.authors == ("bob", "eve")
    assert found.publish_at == datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    assert found.is_draft


def test_the_example_that_is_shown_is_good() -> None:
    found = read_article(f"{EXAMPLE}\nText.\n".encode(), "articles/how.md", "/at/{}".format)
    assert found is not None
    assert found.words.slug == "how-we-measured"
    assert found.words.translates == "how-we-measured-zh"


def test_a_file_without_front_matter_is_no_article() -> None:
    assert read_article(b"# Notes\n", "articles/notes.md", str) is None


@pytest.mark.parametrize(
    ("front", "hint"),
    [
        ("title: a: b\n", "quotes"),
        ("title: [one\n", "bracket"),
        ("tags: [one]\n", "title"),
        ("title: true\n", "title"),
        ("title: T\ntags: {a: b}\n", "tags"),
        ("title: T\ndraft: soon\n", "draft"),
        ("title: T\npublish_at: tomorrow\n", "publish_at"),
        ("title: T\npublish_at: 2026-13-45\n", "publish_at"),
        ("title: T\nseries: {part: x}\n", "series"),
        ("title: T\nauthor: bob\n", "author"),
        ("title: T\ntitle: U\n", "second time"),
        ("- a list\n", "name: value"),
        ("title: &a [*a]\n", ""),
        ("title: " + "[" * 100 + "]" * 100 + "\n", ""),
    ],
)
def test_bad_front_matter_is_refused_with_what_to_mend(front: str, hint: str) -> None:
    with pytest.raises(BadArticle) as refused:
        read(front)
    assert hint in refused.value.message


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(BadArticle):
        read_article(b"---\ntitle: \xff\n---\n", "articles/x.md", str)


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("articles/one.md", True),
        ("articles/README.md", False),
        ("articles/deep/one.md", False),
        ("one.md", False),
        ("docs/articles/one.md", False),
        ("articles/one.txt", False),
    ],
)
def test_articles_lie_in_the_folder_of_that_name(path: str, is_one: bool) -> None:
    assert is_article(path) is is_one
