"""The only way from outside names to repositories, and the one answer to "may this viewer?".

Pages, API, git, LFS and Xet all call `repo_for`. Private and missing look the same.
"""

from dataclasses import dataclass
from typing import Literal

from llmos.accounts.access import Viewer
from llmos.hub.kinds import Kind
from llmos.hub.models import Repository

Wants = Literal["see", "read", "contribute", "write", "admin"]


@dataclass(frozen=True, slots=True)
class Rights:
    """What one viewer may do to one repository; each includes the ones before it.

    see: know that it exists, its card and file names · read: its files (gated repositories
    differ from `see` here) · contribute: open change requests · write · admin.
    """

    see: bool
    read: bool
    contribute: bool
    write: bool
    admin: bool


def repo_for(viewer: Viewer, kind: Kind, full_name: str, *, wants: Wants = "read") -> Repository:
    """The repository of that name, if the viewer may do what it wants.

    One point read. Raises RepoNotFound(ForAnonymous), GatedRepo, RepoDisabled, Forbidden,
    Unauthenticated, or RepoMoved with the new name when only a former name fits.
    """
    raise NotImplementedError


def rights_of(viewer: Viewer, repository: Repository) -> Rights:
    raise NotImplementedError
