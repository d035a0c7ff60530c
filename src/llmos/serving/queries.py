"""Which model a request means, and whether an engine here can run it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Q
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.hub.access import repo_for
from llmos.hub.errors import RepoMoved
from llmos.hub.git import refs, tree
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.hub.queries import visible
from llmos.hub.snapshots import files_of
from llmos.kit.config import current
from llmos.kit.errors import Refusal
from llmos.lab.engines.folders import task_of
from llmos.serving.config import ServingSettings
from llmos.serving.errors import ModelUnknown, ServingIsOff, SignInToUse

MODEL = KINDS["model"]
TASKS = (
    "text-generation",
    "text2text-generation",
    "translation",
    "summarization",
    "question-answering",
    "feature-extraction",
    "sentence-similarity",
)
_MOST_LISTED = 500


@dataclass(frozen=True, slots=True)
class Servable:
    """A model of this hub at a commit that an engine here can run."""

    repository_id: int
    name: str
    sha: str
    task: str

    @property
    def key(self) -> str:
        return f"{self.repository_id}-{self.sha}"


@dataclass(frozen=True, slots=True)
class Remote:
    """A model behind somebody else's OpenAI-shaped server, listed by the administrator."""

    name: str
    url: str
    model: str
    key_variable: str


def model_named(viewer: Viewer, name: str) -> Servable | Remote:
    """The model that `ns/name` or `ns/name@revision` means to this viewer, ready to be run.

    Raises what `repo_for` raises, ModelUnknown, RevisionNotFound, SignInToUse, ServingIsOff,
    and why no engine runs it.
    """
    settings = current(ServingSettings)
    if not settings.enabled:
        raise ServingIsOff(_("This hub runs no models"))
    remote = _remote(name)
    repository = None if remote else _repository(viewer, name)
    if viewer.is_anonymous and not settings.anonymous:
        raise SignInToUse(_("Sign in, or send a token, to use models of this hub"))
    if repository is None:
        assert remote is not None
        return remote
    revision = name.partition("@")[2] or "main"
    return servable(repository, refs.resolve(repository.pk, revision))


def servable(repository: Repository, sha: str) -> Servable:
    """Raises BadModel, RunsCode or NoEngine with the reason why it cannot be run."""
    key = f"servable:{repository.pk}:{sha}"
    known = cache.get(key)
    if known is None:
        known = _task(repository.pk, sha)
        cache.set(key, known, timeout=3600)  # follows from the commit; the limit is for memory
    # Files tell encoder-decoders that shorten from those that translate badly; their card well.
    if {known, repository.pipeline_tag} == {"translation", "summarization"}:
        known = repository.pipeline_tag
    return Servable(repository.pk, repository.full_name, sha, known)


def served_models(viewer: Viewer) -> Iterable[Repository]:
    """Models that the viewer may see and whose task an engine here knows, newest first."""
    fits = Q(pipeline_tag__in=TASKS) | Q(pipeline_tag="", library_name="gguf")
    found = visible(viewer).filter(fits, type=MODEL.name, disabled=False)
    return found.select_related("namespace").order_by("-updated_at")[:_MOST_LISTED]


def remotes() -> list[Remote]:
    """The models behind other servers that every member may use."""
    found = (_remote(name) for name in current(ServingSettings).remotes)
    return [one for one in found if one]


def _repository(viewer: Viewer, name: str) -> Repository:
    full_name = name.partition("@")[0]
    if full_name.count("/") != 1:
        raise ModelUnknown(
            _("There is no model %(name)r; say namespace/name or namespace/name@revision")
            % {"name": name[:200]}
        )
    try:
        return repo_for(viewer, MODEL, full_name)
    except RepoMoved as moved:
        # The name stands in the body, where no redirect could change it.
        return repo_for(viewer, MODEL, moved.new)


def _remote(name: str) -> Remote | None:
    told = current(ServingSettings).remotes.get(name)
    if not isinstance(told, dict) or "url" not in told:
        return None
    return Remote(
        name, str(told["url"]).rstrip("/"), told.get("model", name), told.get("key_variable", "")
    )


def _task(repository_id: int, sha: str) -> str:
    names = [entry.path for entry in files_of(repository_id, sha)]
    return task_of(
        names,
        _json_at(repository_id, sha, "config.json"),
        _json_at(repository_id, sha, "tokenizer_config.json"),
    )


def _json_at(repository_id: int, sha: str, path: str) -> dict[str, Any]:
    """A small JSON object at a commit; one that is broken is as good as absent here."""
    try:
        raw = tree.read_file(repository_id, sha, path)
        value = json.loads(raw) if raw else {}
    except (OSError, ValueError, KeyError, RecursionError, Refusal):
        return {}
    return value if isinstance(value, dict) else {}
