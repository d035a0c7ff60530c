"""Refusals of the hub, with the codes and texts that clients turn into exceptions."""

from django.utils.translation import gettext as _

from llmos.kit.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Moved,
    NotFound,
    Refusal,
    Unauthenticated,
)


class RepoNotFound(NotFound):
    """Missing, or private and not for this viewer: both look the same."""

    code = "RepoNotFound"

    def __init__(self) -> None:
        super().__init__(_("Repository not found"))


class RepoNotFoundForAnonymous(Unauthenticated):
    code = "RepoNotFound"

    def __init__(self) -> None:
        super().__init__(_("Repository not found, or private: sign in to see more"))


class RepoMoved(Moved):
    """Only a former name fits; the answer leads to the same path under the new name."""

    code = "RepoMoved"


class RevisionNotFound(NotFound):
    code = "RevisionNotFound"

    def __init__(self, revision: str) -> None:
        super().__init__(_("Invalid rev id: %(revision)s") % {"revision": revision})


class EntryNotFound(NotFound):
    """No such path at this commit; clients cache the miss, so the commit travels too."""

    code = "EntryNotFound"

    def __init__(self, path: str, sha: str, *, message: str = "") -> None:
        super().__init__(
            message or _("Entry not found: %(path)s") % {"path": path},
            headers={"X-Repo-Commit": sha} if sha else {},
        )


class GatedRepo(Forbidden):
    """Signed in, but not among those whom the owners let read the files."""

    code = "GatedRepo"


class GatedRepoForAnonymous(Unauthenticated):
    code = "GatedRepo"


class RepoDisabled(Forbidden):
    def __init__(self) -> None:
        super().__init__(_("Access to this resource is disabled."))


class NameTaken(Conflict):
    """The body's `url` leads to the repository that has the name, as `exist_ok` needs."""


class ReferenceExists(Conflict):
    def __init__(self, ref: str) -> None:
        super().__init__(_("Reference %(ref)s already exists") % {"ref": ref})


class BranchMoved(Refusal):
    """Somebody else's commit came first; the text is the one clients retry on."""

    status = 412
    code = "PreconditionFailed"

    def __init__(self) -> None:
        super().__init__(
            _("The branch was updated since you opened this page. Please refresh and try again.")
        )


class MissingContent(Invalid):
    """A commit names a large file whose bytes never came."""

    code = "LfsObjectMissing"
