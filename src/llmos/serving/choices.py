"""Which models one can chat with here, for a list to choose from."""

from llmos.accounts.access import Viewer
from llmos.hub.access import rights_of
from llmos.hub.git import refs
from llmos.hub.models import Repository
from llmos.kit.errors import Refusal
from llmos.serving.queries import remotes, servable, served_models

MOST_CHOICES = 50
_CHAT = "text-generation"


def chat_models(viewer: Viewer, *, besides: str = "") -> list[str]:
    """Remote models, then the hub's, newest first; `besides` is offered in any case."""
    found = [remote.name for remote in remotes()]
    for repository in served_models(viewer):
        if len(found) >= MOST_CHOICES:
            break
        if repository.pipeline_tag == _CHAT and _runs(viewer, repository):
            found.append(repository.full_name)
    return found if not besides or besides in found else [besides, *found]


def _runs(viewer: Viewer, repository: Repository) -> bool:
    try:
        sha = refs.resolve(repository.pk, "main")
        return rights_of(viewer, repository).read and servable(repository, sha).task == _CHAT
    except Refusal:
        return False
