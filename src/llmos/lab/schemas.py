"""From parsed YAML to frozen dataclasses, or words about the first thing that does not fit.

The dataclass is the schema: its fields are the keys, their types what a value must be. What a
value means is for whoever owns the dataclass.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
Refuse = Callable[[str], Exception]


def built(kind: type[T], content: Any, *, noun: str, refuse: Refuse, where: str = "") -> T:
    """`content` as a value of `kind`. Raises what `refuse` makes of a sentence.

    `noun` is what is being read ("a recipe"), `where` the path to this part of it, with a dot.
    """
    if not isinstance(content, Mapping):
        raise refuse(f"{where.rstrip('.') or noun.capitalize()} must be a mapping")
    hints = get_type_hints(kind)
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    for key in content:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            meant = (
                f"; did you mean {where}{near[0]}?" if near else f"; it knows {', '.join(known)}"
            )
            raise refuse(f"{noun.capitalize()} has no {where}{key}{meant}")
    values = {
        key: _value(hints[key], value, f"{where}{key}", noun, refuse)
        for key, value in content.items()
    }
    return kind(**values)


def _value(kind: Any, value: Any, where: str, noun: str, refuse: Refuse) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        return built(kind, value, noun=noun, refuse=refuse, where=f"{where}.")
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            names = ", ".join(repr(one) if one == "" else str(one) for one in get_args(kind))
            raise refuse(f"{where} is one of {names}, not {value!r}")
        return value
    if get_origin(kind) is tuple:
        return _list(get_args(kind), value, where, noun, refuse)
    if kind in (int, float) and not isinstance(value, bool):
        value = _number(kind, value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        hint = "; write it in quotes" if kind is str else ""
        raise refuse(f"{where} = {value!r}: expected {kind.__name__}{hint}")
    return value


def _list(kinds: tuple[Any, ...], value: Any, where: str, noun: str, refuse: Refuse) -> Any:
    """`tuple[x, ...]` takes a list of any length, `tuple[x, y]` one of each."""
    if not isinstance(value, list | tuple):
        raise refuse(f"{where} = {value!r}: expected a list")
    if len(kinds) == 2 and kinds[1] is ...:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise refuse(f"{where} = {value!r}: expected {len(kinds)} values")
    return tuple(
        _value(kind, item, f"{where}[{place}]", noun, refuse)
        for place, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _number(kind: type[int] | type[float], value: Any) -> Any:
    """From a command line all is text; and `1e-3` is a number to a person, YAML wants 1.0e-3."""
    try:
        number = kind(value) if isinstance(value, str) else value
    except ValueError:
        return value
    return float(number) if kind is float and isinstance(number, int) else number
