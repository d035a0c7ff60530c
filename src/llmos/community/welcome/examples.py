"""Code to copy for each of the four uses, by each way in; every piece is run by a test."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "examples"
USES = ("translation", "summarization", "question-answering", "text-generation")
MODEL, CHAT_MODEL = "ada/model", "ada/chat-model"

_BLOCK = re.compile(r"^```(sh|python) (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """One way to use a model: `language` is what colours it."""

    way: str
    language: str
    code: str


def examples_of(use: str, *, model: str = MODEL) -> list[Example]:
    """All ways to one use, with a model's name in its place; none for a use without examples.

    They read HF_ENDPOINT and HF_TOKEN, which `environment_lines` sets.
    """
    if use not in USES:
        return []
    return [Example(one.way, one.language, one.code.replace(MODEL, model)) for one in _written(use)]


def environment_lines(endpoint: str) -> str:
    return f"export HF_ENDPOINT={endpoint}\nexport HF_TOKEN=hf_your_token"


@cache
def _written(use: str) -> tuple[Example, ...]:
    text = (FOLDER / f"{use}.md").read_text(encoding="utf-8")
    return tuple(
        Example(way, language, code.rstrip("\n")) for language, way, code in _BLOCK.findall(text)
    )
