"""The way into a repository page: from a request to what the viewer may see there.

Every page of a repository starts with `opened`. Addresses are read from the raw path, since
revisions travel as `refs%2Fpr%2F1`.
"""

from dataclasses import dataclass
from urllib.parse import quote, unquote

from django.http import HttpRequest
from django.utils.translation import gettext as _

from llmos.accounts.access import ANONYMOUS, Viewer, viewer_of_user
from llmos.accounts.models import User
from llmos.hub.access import Rights, Wants, repo_for, rights_of
from llmos.hub.errors import RepoMoved, RepoNotFound, RepoNotFoundForAnonymous
from llmos.hub.git import refs
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.kit.errors import Unauthenticated

MAIN = "main"


@dataclass(frozen=True, slots=True)
class Opened:
    """A repository that this viewer may see, at a revision and a path."""

    repository: Repository
    viewer: Viewer
    rights: Rights
    revision: str  # as the address spells it: a branch, a tag, a commit
    sha: str
    path: str

    @property
    def url(self) -> str:
        return f"/{self.repository.kind.prefix}{self.repository.full_name}"

    def at(self, page: str, path: str | None = None, *, revision: str | None = None) -> str:
        """The address of `tree`, `blob`, `commits`, … of a path at the opened revision."""
        rev = quote(self.revision if revision is None else revision, safe="")
        where = quote(self.path if path is None else path)
        return f"{self.url}/{page}/{rev}" + (f"/{where}" if where else "")


def viewer_of_page(request: HttpRequest) -> Viewer:
    """The viewer of a page: whoever is signed in by session, or nobody."""
    user = request.user
    return viewer_of_user(user) if isinstance(user, User) else ANONYMOUS


def signed_in(request: HttpRequest) -> Viewer:
    """The signed-in viewer. Raises Unauthenticated."""
    viewer = viewer_of_page(request)
    if viewer.is_anonymous:
        raise Unauthenticated(_("Sign in to do this"))
    return viewer


def opened(
    request: HttpRequest, type_: str, ns: str, name: str, *, wants: Wants = "read"
) -> Opened:
    """The repository that the address names, at the revision and path after the page's word.

    Raises what `repo_for` raises; a missing repository is missing for everybody, and a
    moved one leads to the same page under its new name.
    """
    viewer = viewer_of_page(request)
    kind = KINDS[type_]
    try:
        repository = repo_for(viewer, kind, f"{ns}/{name}", wants=wants)
    except RepoNotFoundForAnonymous:
        raise RepoNotFound from None
    except RepoMoved as moved:
        raw = request.META.get("RAW_PATH") or quote(request.path)
        query = request.META.get("QUERY_STRING")
        moved.headers["Location"] = moved.location(raw + (f"?{query}" if query else ""))
        raise
    revision, path = _revision_and_path(request, after=2 + kind.prefix.count("/"))
    sha = refs.resolve(repository.pk, revision)
    return Opened(repository, viewer, rights_of(viewer, repository), revision, sha, path)


def _revision_and_path(request: HttpRequest, *, after: int) -> tuple[str, str]:
    """`/ns/name/tree/refs%2Fpr%2F1/docs` → ("refs/pr/1", "docs")."""
    raw = request.META.get("RAW_PATH") or quote(request.path)
    parts = raw.split("?")[0].strip("/").split("/")[after:]
    if len(parts) < 2 or parts[0] not in _AT_A_REVISION:
        return MAIN, ""
    return unquote(parts[1]), "/".join(unquote(part) for part in parts[2:])


_AT_A_REVISION = frozenset(
    {"tree", "blob", "raw", "commits", "commit", "edit", "upload", "new", "delete"}
)
