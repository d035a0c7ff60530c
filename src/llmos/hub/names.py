"""How repositories may be called: what hub clients accept, and no more.

A name becomes a folder in clients' caches and the end of a git address.
"""

import re

from django.utils.translation import gettext as _

from llmos.kit.errors import Invalid

LONGEST = 96

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?", re.ASCII)


class NameRefused(Invalid):
    """The name breaks the rule for repository names; the message says which."""

    code = "InvalidName"


def key_of(full_name: str) -> str:
    """The form in which two names are compared."""
    return full_name.casefold()


def check_name(name: str) -> str:
    """The name itself, if a repository may bear it. Raises NameRefused."""
    if len(name) > LONGEST:
        raise NameRefused(_("A name has at most %(limit)d characters") % {"limit": LONGEST})
    if not _NAME.fullmatch(name):
        raise NameRefused(
            _(
                "A name is made of letters, digits, '-', '_' and '.'; "
                "it starts and ends with none of '-' and '.'"
            )
        )
    if "--" in name or ".." in name:
        raise NameRefused(_("A name must not contain '--' or '..'"))
    if key_of(name).endswith((".git", ".ipynb")):
        raise NameRefused(_("A name must not end in '.git' or '.ipynb'"))
    return name


def split_name(full_name: str) -> tuple[str, str]:
    """Namespace and name of `ns/name`. Raises Invalid."""
    namespace, slash, name = full_name.partition("/")
    if not slash or not namespace or not name or "/" in name:
        raise Invalid(f"{full_name!r} is not of the form namespace/name")
    return namespace, name
