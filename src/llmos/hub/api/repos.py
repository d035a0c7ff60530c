"""Creating, renaming, settling and removing repositories, and checking cards before a commit."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import Viewer, viewer_of
from llmos.accounts.models import Namespace
from llmos.accounts.queries import namespace_named, role_in
from llmos.hub import actions, queries
from llmos.hub.access import repo_for
from llmos.hub.errors import NameTaken, RepoMoved
from llmos.hub.facts.advice import card_warnings
from llmos.hub.facts.cards import read_card
from llmos.hub.kinds import kind_named
from llmos.hub.models import Repository
from llmos.hub.names import split_name
from llmos.hub.routing import API, repository_of
from llmos.kit.errors import Invalid, NotFound, Unauthenticated
from llmos.kit.time import iso
from llmos.store.http import base_url, blocking, json_of, reply

LONGEST_CARD = 2 * 2**20  # characters


@blocking
def create(request: Request, body: bytes) -> Response:
    """A new repository; 409 with the address of the one that has the name."""
    asked = json_of(body)
    kind = kind_named(_text(asked, "type"))
    viewer = viewer_of(request)
    namespace, name = _asked_name(asked)
    full_name = f"{namespace or viewer.name}/{name}"
    if _text(asked, "sdk") is None and kind.name == "space":
        raise Invalid("A space needs an sdk: gradio, streamlit, docker or static")
    try:
        made = actions.create_repository(
            viewer=viewer,
            kind=kind,
            namespace=namespace,
            name=name,
            visibility=asked_visibility(asked),
        )
    except NameTaken as taken:
        taken.data["url"] = f"{base_url(request)}/{kind.prefix}{full_name}"
        raise
    return reply(_made(request, made))


@blocking
def delete(request: Request, body: bytes) -> Response:
    asked = json_of(body)
    namespace, name = _asked_name(asked)
    viewer = viewer_of(request)
    full_name = f"{namespace or viewer.name}/{name}"
    try:
        repository = repo_for(viewer, kind_named(_text(asked, "type")), full_name, wants="admin")
    except RepoMoved as moved:
        # The name is in the body, so a redirect would lead back here.
        raise NotFound(f"{moved.message}: use that name to delete it") from None
    actions.delete_repository(repository=repository)
    return reply({"deleted": full_name})


@blocking
def move(request: Request, body: bytes) -> Response:
    """Rename, or hand over to another namespace."""
    asked = json_of(body)
    kind = kind_named(_text(asked, "type"))
    source, target = _text(asked, "fromRepo"), _text(asked, "toRepo")
    if not source or not target:
        raise Invalid("A move needs fromRepo and toRepo, both as namespace/name")
    viewer = viewer_of(request)
    try:
        repository = repo_for(viewer, kind, source, wants="admin")
    except RepoMoved as moved:
        raise NotFound(f"{moved.message}: use that name to move it") from None
    namespace, name = split_name(target)
    moved_to = actions.move_repository(
        viewer=viewer, repository=repository, namespace=namespace, name=name
    )
    return reply(_made(request, moved_to))


@blocking
def change_settings(request: Request, body: bytes) -> Response:
    """Set what the body names; what it does not name stays."""
    repository = repository_of(request, viewer_of(request), wants="admin")
    asked = json_of(body)
    gated = asked.get("gated")
    if "gated" in asked and gated not in ("auto", "manual", False, None):
        raise Invalid("gated is 'auto', 'manual' or false")
    branches = asked.get("protectedBranches")
    if branches is not None and not _is_texts(branches):
        raise Invalid("protectedBranches is a list of branch names")
    sign_off = asked.get("signOff")
    if sign_off is not None and not isinstance(sign_off, bool):
        raise Invalid("signOff is true or false")
    changed = actions.change_settings(
        repository=repository,
        visibility=asked_visibility(asked),
        gated=(gated or "") if "gated" in asked else None,
        protected_branches=branches,
        sign_off=sign_off,
    )
    return reply(
        {
            "visibility": changed.visibility,
            "private": changed.is_private,
            "gated": changed.gated or False,
            "protectedBranches": changed.protected_branches,
            "signOff": changed.sign_off,
        }
    )


@blocking
def duplicate(request: Request, body: bytes) -> Response:
    """A copy with the same files, in the viewer's namespace unless the body says otherwise."""
    viewer = viewer_of(request)
    source = repository_of(request, viewer, wants="read")
    asked = json_of(body)
    target = _text(asked, "repository") or source.name
    namespace, name = split_name(target) if "/" in target else (viewer.name, target)
    try:
        made = actions.duplicate_repository(
            viewer=viewer,
            source=source,
            namespace=namespace,
            name=name,
            visibility=asked_visibility(asked),
        )
    except NameTaken as taken:
        taken.data["url"] = f"{base_url(request)}/{source.kind.prefix}{namespace}/{name}"
        raise
    return reply(_made(request, made))


@blocking
def check_read(request: Request, body: bytes) -> Response:
    repository_of(request, viewer_of(request), wants="read")
    return reply({"ok": True})


@blocking
def check_write(request: Request, body: bytes) -> Response:
    repository_of(request, viewer_of(request), wants="write")
    return reply({"ok": True})


@blocking
def validate_card(request: Request, body: bytes) -> Response:
    """What is wrong with a card, and what it lacks; always JSON, since clients read it so."""
    asked = json_of(body)
    content = asked.get("content")
    if not isinstance(content, str) or len(content) > LONGEST_CARD:
        raise Invalid(f"content must be the card's text of at most {LONGEST_CARD} characters")
    card = read_card(content)
    errors = [{"message": str(problem)} for problem in card.errors]
    kind = kind_named(_text(asked, "repoType"))
    warnings = [] if errors else [{"message": text} for text in card_warnings(kind, card.front)]
    return reply({"errors": errors, "warnings": warnings}, status=400 if errors else 200)


@blocking
def list_own(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    if viewer.user_id is None:
        raise Unauthenticated("Sign in to list your repositories")
    return reply(_storage(viewer, Namespace.objects.get(user__id=viewer.user_id)))


@blocking
def list_of_organisation(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    namespace = namespace_named(request.path_params["ns"])
    is_member = namespace is not None and role_in(viewer.user_id, namespace.pk) is not None
    if namespace is None or not (is_member or viewer.is_admin):
        raise NotFound("There is no such organization, or you are not a member of it")
    return reply(_storage(viewer, namespace))


def asked_visibility(asked: dict[str, Any]) -> str | None:
    """`visibility`, or `private` as older clients say it; None when neither is there."""
    visibility = _text(asked, "visibility")
    private = asked.get("private")
    if visibility is None and private is not None:
        if not isinstance(private, bool):
            raise Invalid("private is true or false")
        return "private" if private else "public"
    return visibility


def _storage(viewer: Viewer, namespace: Namespace) -> list[dict[str, Any]]:
    found = queries.repositories_of(viewer, namespace.pk)
    total = sum(repository.used_storage for repository in found)
    return [
        {
            "_id": f"{repository.pk:024x}",
            "id": repository.full_name,
            "type": repository.type,
            "updatedAt": iso(repository.updated_at),
            "visibility": repository.visibility,
            "storage": repository.used_storage,
            "storagePercent": repository.used_storage / total if total else 0,
        }
        for repository in sorted(found, key=lambda r: -r.used_storage)
    ]


def _made(request: Request, repository: Repository) -> dict[str, Any]:
    return {
        "url": f"{base_url(request)}/{repository}",
        "name": repository.full_name,
        "id": f"{repository.pk:024x}",
        "private": repository.is_private,
        "visibility": repository.visibility,
    }


def _asked_name(asked: dict[str, Any]) -> tuple[str | None, str]:
    """Namespace, None for one's own, and name; `name` may hold both. Raises Invalid."""
    name = _text(asked, "name")
    if not name:
        raise Invalid("name is missing")
    organisation = _text(asked, "organization")
    if organisation is None and "/" in name:
        return split_name(name)
    return organisation, name


def _text(asked: dict[str, Any], key: str) -> str | None:
    value = asked.get(key)
    if value is not None and not isinstance(value, str):
        raise Invalid(f"{key} must be a text")
    return value


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


routes = [
    Route("/api/repos/create", create, methods=["POST"]),
    Route("/api/repos/delete", delete, methods=["DELETE"]),
    Route("/api/repos/move", move, methods=["POST"]),
    Route("/api/validate-yaml", validate_card, methods=["POST"]),
    Route("/api/settings/repositories", list_own),
    Route("/api/organizations/{ns:seg}/settings/repositories", list_of_organisation),
    Route(API + "/settings", change_settings, methods=["PUT"]),
    Route(API + "/duplicate", duplicate, methods=["POST"]),
    Route(API + "/auth-check", check_read),
    Route(API + "/auth-check/write", check_write),
]
