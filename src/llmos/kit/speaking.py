"""Words of ours in the language of whoever reads them, for rooms that know no framework.

Pages give a translator when they begin; without one, as in jobs and on the command line, texts
stay the English ones that stand in the code.
"""

from collections.abc import Callable

_translators: list[Callable[[str], str]] = []


def speak_with(translator: Callable[[str], str]) -> None:
    """Called by `web/wiring.py`, once per process."""
    _translators[:] = [translator]


def spoken(text: str) -> str:
    """The text as its reader has it. Imported as `_`, so that texts are found for translation."""
    return _translators[0](text) if _translators else text
