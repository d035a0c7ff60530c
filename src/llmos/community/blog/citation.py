"""How to cite an article: for BibTeX, as a CITATION.cff, and in a sentence. Pure text."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Citable:
    """What a citation says; authors by the names they go by."""

    title: str
    authors: tuple[str, ...]
    day: date
    address: str
    publisher: str  # the blog, and the hub it stands on
    slug: str
    language: str
    summary: str = ""
    version: str = ""  # the commit, when it is a file of a repository


def bibtex(cited: Citable) -> str:
    fields = {
        "title": f"{{{_tex(cited.title)}}}",  # braces: keep the letter case
        "author": " and ".join(f"{{{_tex(name)}}}" for name in cited.authors),
        "year": str(cited.day.year),
        "month": cited.day.strftime("%b").lower(),
        "day": str(cited.day.day),
        "publisher": _tex(cited.publisher),
        "url": cited.address,
        "langid": cited.language,
        **({"version": cited.version} if cited.version else {}),
    }
    lines = [
        f"  {name} = {value if name == 'month' else '{' + value + '}'},"
        for name, value in fields.items()
    ]
    return "\n".join([f"@online{{{_key(cited)},", *lines, "}"]) + "\n"


@lru_cache(maxsize=512)  # writing YAML takes as long as the rest of a page
def cff(cited: Citable) -> str:
    """A CITATION.cff of version 1.2.0 that prefers this article."""
    authors = [{"name": name} for name in cited.authors]
    preferred: dict[str, Any] = {
        "type": "blog",
        "title": cited.title,
        "authors": authors,
        "date-published": cited.day.isoformat(),
        "publisher": {"name": cited.publisher},
        "url": cited.address,
        "languages": [cited.language.split("-")[0]],
        **({"abstract": cited.summary} if cited.summary else {}),
        **({"commit": cited.version} if cited.version else {}),
    }
    content = {
        "cff-version": "1.2.0",
        "message": "If you use this article, please cite it as below.",
        "title": cited.title,
        "authors": authors,
        "preferred-citation": preferred,
    }
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)


def plain(cited: Citable) -> str:
    names = ", ".join(cited.authors)
    return f"{names} ({cited.day.year}). {cited.title}. {cited.publisher}. {cited.address}"


_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "%": r"\%",
        "#": r"\#",
        "_": r"\_",
        "^": r"\^{}",
        "~": r"\~{}",
    }
)


def _tex(text: str) -> str:
    return " ".join(text.translate(_TEX).split())


def _key(cited: Citable) -> str:
    """`ada2026how`: BibTeX keys are ASCII, so other scripts give way to the address."""
    words = re.findall(r"[a-z0-9]+", _ascii(cited.slug))
    name = "".join(re.findall(r"[a-z0-9]+", _ascii(cited.authors[0] if cited.authors else "")))
    word = next((word for word in words if len(word) > 3), words[0] if words else "article")
    return f"{name}{cited.day.year}{word}"


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
