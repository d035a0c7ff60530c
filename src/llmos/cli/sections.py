"""All settings classes of the house: every room keeps its own in a `config.py`."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import llmos
from llmos.kit.config import BadConfiguration, Section

_SECRET_WORDS = ("secret", "password", "private_key", "token")


def all_sections() -> list[type[Section]]:
    """Every settings class, by name of its section."""
    root = Path(llmos.__file__).parent
    for path in root.glob("*/**/config.py"):
        module = path.relative_to(root.parent).with_suffix("")
        if module.parts[1] not in {"kit", "cli"}:
            import_module(".".join(module.parts))
    return sorted(Section.__subclasses__(), key=lambda section: section.section)


def refuse_unknown(toml: Mapping[str, Any]) -> None:
    """A misspelt section would silently change nothing. Raises BadConfiguration."""
    known = {section.section for section in all_sections()}
    for name in toml:
        if name not in known:
            raise BadConfiguration(
                f"llmos.toml: there is no section [{name}]; known are {', '.join(sorted(known))}"
            )


def masked(name: str, value: Any) -> Any:
    """The value as it may be shown: passwords in addresses and secrets hidden."""
    if isinstance(value, Mapping):
        return {key: masked(str(key), item) for key, item in value.items()}
    if value and any(word in name.lower() for word in _SECRET_WORDS):
        return "…"
    if isinstance(value, str) and "://" in value and "@" in value:
        scheme, _, rest = value.partition("://")
        login, _, place = rest.rpartition("@")
        return f"{scheme}://{login.partition(':')[0]}:…@{place}"
    return value
