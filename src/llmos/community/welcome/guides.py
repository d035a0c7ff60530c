"""The guides of `docs/guides`, as pages of the hub: each in both languages."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from llmos.kit.text import plain_words

# In a wheel they lie in this room; in a clone, where everybody looks for documentation.
_PLACES = (Path(__file__).parent / "guides", Path(__file__).parents[4] / "docs" / "guides")
NAMES = (
    "first-steps",
    "share-a-model",
    "share-data",
    "train",
    "evaluate",
    "use",
    "ask",
    "moderate",
)
HUB = "http://127.0.0.1:8000"  # what guides write for the hub
_SUFFIXES = {"en": "", "zh-hans": ".zh-CN"}
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
# The line under the title that leads to the other language; pages have a switch of their own.
_SWITCH = re.compile(r"^\[(?:中文|English)\]\([^)]*\)\n", re.MULTILINE)
_LINK = re.compile(r"\]\(([\w-]+?)(?:\.zh-CN)?\.md(#[^)]*)?\)")
_FIRST_SENTENCE = re.compile(r".+?(?:。|\.(?=\s))", re.DOTALL)
_REFERENCE = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])+)\]\(\.\./[^)]*\)")


@dataclass(frozen=True, slots=True)
class Guide:
    name: str
    title: str
    text: str  # Markdown without the title; links lead to the pages
    about: str  # its first sentence


def guide_named(name: str, language: str) -> Guide | None:
    """A guide in the language of the page; None for a name that no guide has."""
    return _read(name, _SUFFIXES.get(language, "")) if name in NAMES else None


def all_guides(language: str) -> list[Guide]:
    return [guide for name in NAMES if (guide := guide_named(name, language))]


@cache
def _read(name: str, suffix: str) -> Guide | None:
    for place in _PLACES:
        file = place / f"{name}{suffix}.md"
        if file.exists():
            text = file.read_text(encoding="utf-8")
            title = _TITLE.search(text)
            body = _SWITCH.sub("", _TITLE.sub("", text, count=1), count=1)
            body = _REFERENCE.sub(r"\1", _LINK.sub(r"](/guides/\1\2)", body))
            return Guide(name, title[1] if title else name, body.strip(), _opening(body))
    return None


def _opening(body: str) -> str:
    sentence = _FIRST_SENTENCE.match(body.strip())
    return plain_words(sentence[0], longest=200) if sentence else ""
