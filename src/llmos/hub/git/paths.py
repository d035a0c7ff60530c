"""Which file paths a repository takes: those that every machine can check out.

The same rules hold for commits through the API and for pushed trees.
"""

import unicodedata

from django.utils.translation import gettext as _

from llmos.kit.errors import Unprocessable

LONGEST_PATH = 1024  # bytes
LONGEST_NAME = 255  # bytes, what file systems take
DEEPEST = 100  # folders

# Marks that make a name look like another one, or run backwards.
_INVISIBLE = frozenset(
    chr(code)
    for code in (
        0x200B,
        0x200E,
        0x200F,
        0x2060,
        0xFEFF,
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    )
)
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


class BadPath(Unprocessable):
    """The path cannot be stored; the message says which and why."""

    def __init__(self, path: str, reason: str) -> None:
        shown = path if len(path) <= 200 else path[:200] + "…"
        printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
        super().__init__(
            _("The path '%(path)s' %(reason)s") % {"path": printable, "reason": reason}
        )


class NamesCollide(Unprocessable):
    """Two names in one folder that many file systems cannot tell apart."""

    def __init__(self, folder: str, first: str, second: str) -> None:
        where = _("the folder '%(name)s'") % {"name": folder} if folder else _("the top folder")
        super().__init__(
            _(
                "'%(first)s' and '%(second)s' in %(where)s differ only by letter case or Unicode "
                "form; many file systems cannot hold both, so rename or delete one"
            )
            % {"first": first, "second": second, "where": where}
        )


def checked_path(path: str) -> str:
    """The path, if a repository may hold it. Raises BadPath."""
    reason = _fault(path)
    if reason is not None:
        raise BadPath(path, reason)
    return path


def folded(name: str) -> str:
    """What a file system that ignores letter case and Unicode form makes of a name."""
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def _fault(path: str) -> str | None:
    if not path:
        return _("is empty")
    if "\\" in path:
        return _("has a backslash; folders are written with /")
    if path.startswith("/"):
        return _("starts with /")
    if not path.isascii():
        if unicodedata.normalize("NFC", path) != path:
            return _("is not in Unicode form NFC; rename it with composed characters")
        if any(c in _INVISIBLE for c in path):
            return _("has invisible or direction-changing characters")
    if not path.isprintable() and any(
        unicodedata.category(c) in _FORBIDDEN_CATEGORIES for c in path
    ):
        return _("has control characters")
    if len(path.encode()) > LONGEST_PATH:
        return _("is longer than %(n)d bytes") % {"n": LONGEST_PATH}
    names = path.split("/")
    if len(names) > DEEPEST:
        return _("lies deeper than %(n)d folders") % {"n": DEEPEST}
    return next(filter(None, map(_fault_of_name, names)), None)


def _fault_of_name(name: str) -> str | None:
    if name in {"", ".", ".."}:
        return _("has an empty, `.` or `..` part")
    if len(name.encode()) > LONGEST_NAME:
        return _("has a part longer than %(n)d bytes") % {"n": LONGEST_NAME}
    # Windows drops dots and blanks at the end, and knows .git by its short name too.
    plain = name.casefold().rstrip(". ").split(":")[0].rstrip(". ")
    if "".join(c for c in plain if unicodedata.category(c) != "Cf") in {".git", "git~1"}:
        return _("has a part that git keeps for itself")
    return None
