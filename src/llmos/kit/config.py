"""Configuration: frozen classes, read once, each value knowing where it came from.

A room declares a frozen dataclass with a class variable `section`; every field has a
default and a `metadata["help"]`. Values come from, strongest first: the environment
(`LLMOS_<SECTION>_<FIELD>`), `llmos.toml` in the home (`[section] field = …`), the default.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args, get_origin

from llmos.kit.errors import Refusal
from llmos.kit.home import home_from_environment


class BadConfiguration(Refusal):
    """A setting is unknown or has the wrong type; the message names file, key and remedy."""

    status = 500
    code = "BadConfiguration"


@dataclass(frozen=True)
class Section:
    """What a room's settings class extends."""

    section: ClassVar[str]


S = TypeVar("S", bound=Section)


def setting(default: Any, help: str) -> Any:
    """A field of a settings class; `help` is shown by `llmos config show` and in the docs."""
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata={"help": help})
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class Origin:
    value: Any
    source: str  # "default", "llmos.toml" or the variable's name


def variable_name(section: type[Section], name: str) -> str:
    return f"LLMOS_{section.section}_{name}".upper()


def origins(section: type[Section], toml: Mapping[str, Any]) -> dict[str, Origin]:
    """Every field of a section with its value and its source. Raises BadConfiguration."""
    table = toml.get(section.section, {})
    known = {f.name for f in fields(section)}
    for key in table:
        if key not in known:
            raise BadConfiguration(
                f"llmos.toml: [{section.section}] has no setting {key!r}; "
                f"it knows {', '.join(sorted(known))}"
            )
    defaults = section()
    found: dict[str, Origin] = {}
    for f in fields(section):
        default = getattr(defaults, f.name)
        variable = variable_name(section, f.name)
        if variable in os.environ:
            found[f.name] = Origin(_parse(os.environ[variable], f.type, variable), variable)
        elif f.name in table:
            found[f.name] = Origin(
                _checked(table[f.name], f.type, f"{section.section}.{f.name}"), "llmos.toml"
            )
        else:
            found[f.name] = Origin(default, "default")
    return found


@cache
def read_toml(path: Path) -> Mapping[str, Any]:
    """The configuration file, or nothing when there is none. Raises BadConfiguration."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration(f"{path}: {error}") from error


@cache
def current(section: type[S]) -> S:
    """This process's values of one section, read once."""
    found = origins(section, read_toml(home_from_environment().config_file))
    return section(**{name: origin.value for name, origin in found.items()})


def _parse(text: str, type_: Any, name: str) -> Any:
    if type_ is bool:
        lowered = text.strip().lower()
        if lowered in {"1", "true", "yes", "on"}:
            return True
        if lowered in {"0", "false", "no", "off", ""}:
            return False
        raise BadConfiguration(f"{name}={text!r}: write true or false")
    if type_ is int:
        try:
            return int(text)
        except ValueError:
            raise BadConfiguration(f"{name}={text!r}: write a whole number") from None
    if get_origin(type_) is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    if get_origin(type_) is dict:
        return _checked(tomllib.loads(f"value = {text}")["value"], type_, name)
    return text


def _checked(value: Any, type_: Any, name: str) -> Any:
    expected = get_origin(type_) or type_
    if (isinstance(value, bool) and expected is not bool) or not isinstance(value, expected):
        raise BadConfiguration(f"{name} = {value!r}: expected {getattr(type_, '__name__', type_)}")
    if expected is list and get_args(type_):
        return [_checked(item, get_args(type_)[0], name) for item in value]
    return value
