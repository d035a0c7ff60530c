"""Cards: the README.md of a repository, YAML between `---` lines and then text.

Only text in and plain JSON values out. What is wrong is said with the line in the file and
what to do about it, since the YAML library's own sentences help nobody.
"""

import math
import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import yaml
from django.utils.translation import gettext as _

# Real cards with hundreds of configurations stay under 300 kB; reading takes time per byte.
LONGEST_FRONT_MATTER = 2**20
# Anchors let a few lines stand for billions of values; counted after they are followed.
MOST_VALUES = 100_000
DEEPEST = 32

_FENCE = re.compile(r"\A﻿?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_NO_PROSE = re.compile(r"<!--.*?-->|```.*?```|<(script|style)\b.*?</\1>", re.DOTALL)
_OPENING = re.compile(r"\A﻿?---[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a card; `line` counts from 1 in the whole file, 0 means all of it."""

    line: int
    message: str

    def __str__(self) -> str:
        return (
            _("README.md, line %(n)d: %(what)s") % {"n": self.line, "what": self.message}
            if self.line
            else self.message
        )


@dataclass(frozen=True, slots=True)
class Card:
    """A card as read. With an error, `front` is empty and the text is still there."""

    front: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    errors: tuple[Problem, ...] = ()


class _Repeated(Exception):
    def __init__(self, key: str, first: int, again: int) -> None:
        super().__init__(key)
        self.key, self.first, self.again = key, first, again


class _TooMuch(Exception):
    pass


def read_card(content: str) -> Card:
    """Front matter and text of a card. Never raises: what is wrong stands in `errors`."""
    fence = _FENCE.match(content)
    if fence is None:
        if _OPENING.match(content) and ":" in content.split("\n", 2)[1]:
            return Card(text=content, errors=(_unclosed(),))
        return Card(text=content)
    text = content[fence.end() :]
    try:
        front = _front_of(fence[1])
    except _Refused as refused:
        return Card(text=text, errors=(refused.problem,))
    return Card(front=front, text=text)


def first_paragraph(text: str, *, longest: int = 500) -> str:
    """The first prose of a card's text: no headings, pictures, HTML, tables, quotes or notes."""
    text = _NO_PROSE.sub("", text[:50_000])
    for block in re.split(r"\n\s*\n", text):
        if block.lstrip().startswith(">"):
            continue
        lines = [line.strip() for line in block.splitlines()]
        lines = [line for line in lines if line and not line.startswith(("#", "|", "---", "==="))]
        prose = _plain_words(" ".join(lines))
        if len(prose) > 1:
            return prose if len(prose) <= longest else prose[: longest - 1].rstrip() + "…"
    return ""


def _plain_words(text: str) -> str:
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]{0,500}>", "", text)
    text = re.sub(r"(?<!\w)[*_`]+|[*_`]+(?!\w)|^[-*+]\s+", "", text)
    return re.sub(r"\s+", " ", text).strip()


class _Refused(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(line, message)


def _unclosed() -> Problem:
    return Problem(
        1, _("the metadata begins with '---' and never ends: put '---' alone on the line after it")
    )


def _front_of(source: str) -> dict[str, Any]:
    if len(source) > LONGEST_FRONT_MATTER:
        raise _Refused(
            1, _("the metadata is over %(n)d characters: shorten it") % {"n": LONGEST_FRONT_MATTER}
        )
    try:
        _measure(source)
        value = yaml.load(source, Loader=_Loader)  # noqa: S506  # a subclass of the safe loader
        front = _plain(value, [MOST_VALUES], 0)
    except _Repeated as repeated:
        raise _Refused(
            repeated.again + 2,
            _("'%(key)s' stands here a second time, first on line %(n)d: keep one of the two")
            % {"key": repeated.key, "n": repeated.first + 2},
        ) from None
    except (_TooMuch, RecursionError):
        raise _Refused(
            1,
            _("the metadata holds over %(values)d values or nests over %(levels)d deep")
            % {"values": MOST_VALUES, "levels": DEEPEST},
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _Refused(mark.line + 2 if mark else 1, _advice(source, error)) from None
    except (yaml.YAMLError, ValueError) as error:
        raise _Refused(1, _("the metadata is not YAML: %(error)s") % {"error": error}) from None
    if front is None:
        return {}
    if not isinstance(front, dict):
        raise _Refused(2, _("the metadata must be lines of the form 'name: value'"))
    return front


def _measure(source: str) -> None:
    """Refuse deep nesting event by event: composing it recurses in C until the process dies."""
    depth = 0
    for event in yaml.parse(source, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise _TooMuch
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _advice(source: str, error: yaml.MarkedYAMLError) -> str:
    """The library's finding, and what a person does about it."""
    mark = error.problem_mark or error.context_mark
    lines = source.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    problem = error.problem or error.context or "not valid YAML"
    found = {"line": line.strip(), "problem": problem}
    if not line.strip():
        return _("something above ends too early: look for a bracket or a quote that is not closed")
    if "\t" in line:
        return _("YAML is indented with spaces: replace the tab on this line")
    if "mapping values are not allowed" in problem:
        return _("a value that contains ': ' needs quotes around it, in '%(line)s'") % found
    if "alias" in problem or "anchor" in problem:
        return (
            _("a value that starts with '*' or '&' needs quotes around it, in '%(line)s'") % found
        )
    if "cannot start any token" in problem:
        return _("a value that starts with a special character needs quotes, in '%(line)s'") % found
    if "could not determine a constructor" in problem:
        return _("tags that begin with '!' are not allowed: remove it from '%(line)s'") % found
    return (
        _("%(problem)s; look at '%(line)s' and the line above it (indentation, ':', quotes)")
        % found
    )


def _plain(value: Any, budget: list[int], depth: int) -> Any:
    """JSON values only: clients and the database know no others."""
    budget[0] -= 1
    if budget[0] < 0 or depth > DEEPEST:
        raise _TooMuch
    if isinstance(value, dict):
        return {_key(key): _plain(item, budget, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item, budget, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        return str(value)
    if isinstance(value, str):
        # a lone surrogate or a NUL is no text for the database
        return value.encode("utf-8", "replace").decode().replace("\0", "")
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return _plain(key, [1], 0) if isinstance(key, str) else str(key)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # C where there is one
    """YAML 1.2's plain values: `no` is a language, a date stays text, keys stand once."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # the library's own convention

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[str, int] = {}
        for key, _value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is None or name == "<<":
                continue
            if name in seen:
                raise _Repeated(name, seen[name], key.start_mark.line)
            seen[name] = key.start_mark.line
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def _float(loader: Any, node: Any) -> float | str:
    try:
        return float(loader.construct_yaml_float(node))
    except ValueError:
        return str(node.value)


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?(?:0|[1-9][0-9]{0,18})$", "-+0123456789"),
    (
        "float",
        r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?$",
        "-+0123456789.",
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
