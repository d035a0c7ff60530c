"""From names on a form to what a viewer may learn from, start from, and pay with."""

from dataclasses import dataclass

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.accounts.queries import namespaces_open_to
from llmos.hub.access import repo_for
from llmos.hub.git import refs
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.jobs.access import spender
from llmos.kit.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Pinned:
    """A repository at a commit. `written` is how the member named it: with or without @revision."""

    repository: Repository
    commit: str
    written: str

    @property
    def url(self) -> str:
        return f"/{self.repository}/tree/{self.commit}"

    def as_input(self, role: str) -> dict[str, str]:
        return {
            "role": role,
            "kind": self.repository.type,
            "repo": self.repository.full_name,
            "commit": self.commit,
        }


def pinned(viewer: Viewer, kind: str, written: str) -> Pinned:
    """What `name/data@revision` means now. Raises what `repo_for` raises, RevisionNotFound."""
    name, at, revision = written.strip().removeprefix(KINDS[kind].prefix).partition("@")
    repository = repo_for(viewer, KINDS[kind], name)
    commit = refs.resolve(repository.pk, revision or "main")
    return Pinned(repository, commit, f"{repository.full_name}{at}{revision}")


def places_to_spend(viewer: Viewer) -> list[Namespace]:
    """Names under which the viewer may start runs: her own first, then organisations'.

    Raises MayNotSpend when there are none.
    """
    assert viewer.user_id is not None
    refusal: Forbidden | None = None
    places = []
    for place in namespaces_open_to(viewer.user_id):
        try:
            spender(viewer, place)
        except Forbidden as refused:
            refusal = refused
        else:
            places.append(place)
    if not places and refusal is not None:
        raise refusal
    return places
