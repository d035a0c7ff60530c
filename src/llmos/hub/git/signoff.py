"""Sign-off: the line by which somebody says that she may contribute what a commit holds.

`Signed-off-by: Name <mail>`, as `git commit -s` writes it, under the Developer Certificate of
Origin 1.1. It counts when it is by the commit's author or committer. Merges need none.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from django.utils.translation import gettext as _

from llmos.hub.git.repos import MAIN, NO_REPLY, run_git
from llmos.kit.errors import Invalid

# Of the commits between two, what `read` reads.
LOG = ("log", "-z", "--no-merges", "--format=%H%x00%an%x00%ae%x00%cn%x00%ce%x00%B")
LOOKED_AT = 1000  # commits of one change request
SECONDS = 20
_FIELDS = 6
_CHUNK = 2**16
_LINE = re.compile(r"(?im)^[ \t]*signed-off-by:[ \t]*([^<>\s][^<>\r\n]*)<([^<>\s]+)>[ \t]*\r?$")


class NotSignedOff(Invalid):
    """The repository asks for the line, and the commit has none."""

    code = "NotSignedOff"


@dataclass(frozen=True, slots=True)
class Signed:
    """A commit, and whether it is signed off."""

    sha: str
    title: str
    is_signed_off: bool


def line_of(name: str) -> str:
    """The line of a member who commits here."""
    return f"Signed-off-by: {name} <{name}@{NO_REPLY}>"


def is_signed_off(message: str, people: Iterable[tuple[str, str]]) -> bool:
    """Whether one of its people, each a name and a mail address, signed a commit off."""
    known = {word.casefold() for person in people for word in person if word}
    return any(
        name.strip().casefold() in known or mail.casefold() in known
        for name, mail in _LINE.findall(message)
    )


def check_message(*, message: str, name: str) -> None:
    """A commit that a member is about to make here. Raises NotSignedOff."""
    if not is_signed_off(message, [(name, f"{name}@{NO_REPLY}")]):
        raise NotSignedOff(
            _(
                "This repository asks for a sign-off. End the commit's description with the line "
                "“%(line)s”: by it you say that you may contribute this (/legal/dco)"
            )
            % {"line": line_of(name)}
        )


def with_line(description: str, name: str) -> str:
    """A commit's description that ends with the member's line."""
    if is_signed_off(description, [(name, "")]):
        return description
    return f"{description}\n\n{line_of(name)}".strip()


def must_sign(asked: bool, ref: str) -> bool:
    """Whether commits onto a reference need the line, where the repository has `asked`."""
    return asked and ref == MAIN


def signed_between(repository_id: int, base: str, head: str) -> list[Signed]:
    """The commits that `head` has and `base` has not, newest first."""
    limit = f"--max-count={LOOKED_AT}"
    log = run_git(repository_id, [*LOG, limit, f"{base}..{head}"], seconds=SECONDS)
    return [_read(fields) for fields in _grouped(iter(log.split(b"\0")))]


def read(pipe: IO[bytes]) -> Iterator[Signed]:
    """The commits in the output of a running `LOG`, as they come."""
    for fields in _grouped(_fields(pipe)):
        yield _read(fields)


def _read(fields: list[str]) -> Signed:
    sha, author, author_mail, committer, committer_mail, message = fields
    people = [(author, author_mail), (committer, committer_mail)]
    title = message.strip().partition("\n")[0]
    return Signed(sha, title, is_signed_off(message, people))


def _grouped(fields: Iterator[bytes]) -> Iterator[list[str]]:
    group: list[str] = []
    for field in fields:
        group.append(field.decode("utf-8", "replace"))
        if len(group) == _FIELDS:
            yield group
            group = []


def _fields(pipe: IO[bytes]) -> Iterator[bytes]:
    begun: list[bytes] = []  # of a field that goes on
    while part := pipe.read(_CHUNK):
        *whole, rest = part.split(b"\0")
        for field in whole:
            yield b"".join([*begun, field])
            begun.clear()
        begun.append(rest)
