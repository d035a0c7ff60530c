"""References and history for clients: lists, branches, tags, squashing, comparing."""

from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import Viewer, viewer_of
from llmos.hub.actions import record_push
from llmos.hub.git import log, refs, signoff
from llmos.hub.git.log import Commit
from llmos.hub.git.refs import NOTHING, Ref
from llmos.hub.models import Repository
from llmos.hub.routing import API, repository_of
from llmos.kit.errors import Forbidden, Invalid
from llmos.kit.time import iso
from llmos.store.http import base_url, blocking, flag, json_of, reply

COMMITS_A_PAGE = 50
MOST_COMMITS_A_PAGE = 1000
_LONGEST_MESSAGE = 64 * 2**10


@blocking
def show_refs(request: Request, body: bytes) -> Response:
    repository = repository_of(request, viewer_of(request), wants="see")
    found = refs.list_refs(repository.pk)
    shown: dict[str, Any] = {
        "branches": [_ref(ref) for ref in found.branches],
        "converts": [],
        "tags": [_ref(ref) for ref in found.tags],
    }
    if flag(request, "include_prs"):
        shown["pullRequests"] = [_ref(ref) for ref in found.changes]
    return reply(shown)


@blocking
def show_commits(request: Request, body: bytes) -> Response:
    """History of a revision, newest first, a page at a time."""
    repository = repository_of(request, viewer_of(request), wants="see")
    sha = refs.resolve(repository.pk, request.path_params["rev"])
    page, limit = _number(request, "p", 0), _number(request, "limit", COMMITS_A_PAGE)
    limit = min(max(limit, 1), MOST_COMMITS_A_PAGE)
    found = log.history(
        repository.pk,
        sha,
        path=request.query_params.get("path", ""),
        skip=page * limit,
        limit=limit + 1,
    )
    formatted = "formatted" in request.query_params.getlist("expand[]") + (
        request.query_params.getlist("expand")
    )
    headers = {"X-Repo-Commit": sha}
    if len(found) > limit:
        url = request.url.include_query_params(p=page + 1, limit=limit)
        path = url.path.rsplit("/", 1)[0]
        headers["Link"] = f'<{base_url(request)}{path}/{sha}?{url.query}>; rel="next"'
    commits = [_commit(commit, formatted=formatted) for commit in found[:limit]]
    return reply(commits, headers=headers)


@blocking
def create_branch(request: Request, body: bytes) -> Response:
    viewer, repository = _writer(request)
    asked = json_of(body)
    start = asked.get("startingPoint") or "main"
    if not isinstance(start, str):
        raise Invalid("startingPoint must be a revision")
    at = refs.resolve(repository.pk, start)
    made = refs.create_branch(repository.pk, request.path_params["branch"], at=at)
    _record(repository, made, old=NOTHING, new=at, viewer=viewer)
    return reply(_ref(made))


@blocking
def delete_branch(request: Request, body: bytes) -> Response:
    viewer, repository = _writer(request)
    branch = request.path_params["branch"]
    _refuse_protected(repository, branch, "deleted")
    gone = refs.delete_branch(repository.pk, branch)
    _record(repository, gone, old=gone.target, new=NOTHING, viewer=viewer)
    return reply({"success": True})


@blocking
def create_tag(request: Request, body: bytes) -> Response:
    viewer, repository = _writer(request)
    asked = json_of(body)
    name, message = asked.get("tag"), asked.get("message") or ""
    if not isinstance(name, str) or not isinstance(message, str):
        raise Invalid("tag and message must be texts")
    at = refs.resolve(repository.pk, request.path_params["rev"])
    made = refs.create_tag(
        repository.pk, name, at=at, message=message[:_LONGEST_MESSAGE], author=viewer.name
    )
    _record(repository, made, old=NOTHING, new=at, viewer=viewer)
    return reply(_ref(made))


@blocking
def delete_tag(request: Request, body: bytes) -> Response:
    viewer, repository = _writer(request)
    gone = refs.delete_tag(repository.pk, request.path_params["rev"])
    _record(repository, gone, old=gone.target, new=NOTHING, viewer=viewer)
    return reply({"success": True})


@blocking
def super_squash(request: Request, body: bytes) -> Response:
    """Replace a branch's history by one commit."""
    viewer, repository = _writer(request)
    branch = request.path_params["branch"]
    _refuse_protected(repository, branch, "squashed")
    message = json_of(body).get("message") or f"Super-squash branch '{branch}'"
    if not isinstance(message, str):
        raise Invalid("message must be a text")
    if signoff.must_sign(repository.sign_off, refs.writable_ref(branch)):
        signoff.check_message(message=message, name=viewer.name)
    squashed, old = refs.super_squash(
        repository.pk, branch, message=message[:_LONGEST_MESSAGE], author=viewer.name
    )
    _record(repository, squashed, old=old, new=squashed.target, viewer=viewer)
    return reply({"success": True, "commitOid": squashed.target})


@blocking
def compare(request: Request, body: bytes) -> Response:
    """The difference between two revisions, `a..b`, as text; or the last commit's."""
    repository = repository_of(request, viewer_of(request), wants="read")
    first, dots, second = request.path_params["span"].partition("..")
    new = refs.resolve(repository.pk, second.lstrip(".") if dots else first)
    if dots:
        old: str | None = refs.resolve(repository.pk, first)
    else:
        old = next(iter(log.commit_at(repository.pk, new).parents), None)
    text = log.patch_text(repository.pk, old, new)
    return Response(text, media_type="text/plain", headers={"X-Content-Type-Options": "nosniff"})


def _writer(request: Request) -> tuple[Viewer, Repository]:
    viewer = viewer_of(request)
    return viewer, repository_of(request, viewer, wants="write")


def _refuse_protected(repository: Repository, branch: str, deed: str) -> None:
    if branch in repository.protected_branches:
        raise Forbidden(f"refs/heads/{branch} is protected and cannot be {deed}")


def _record(repository: Repository, ref: Ref, *, old: str, new: str, viewer: Viewer) -> None:
    record_push(repository=repository, ref=ref.ref, old=old, new=new, user_id=viewer.user_id)


def _ref(ref: Ref) -> dict[str, str]:
    return {"name": ref.name, "ref": ref.ref, "targetCommit": ref.target}


def _commit(commit: Commit, *, formatted: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": commit.sha,
        "title": commit.title,
        "message": commit.body,
        "date": iso(commit.date),
        "authors": [{"user": commit.author}],
        "parents": list(commit.parents),
    }
    if formatted:
        shown["formatted"] = {
            "title": escape(commit.title),
            "message": escape(commit.body).replace("\n", "<br />\n"),
        }
    return shown


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else default


routes = [
    Route(API + "/refs", show_refs),
    Route(API + "/commits/{rev:seg}", show_commits),
    Route(API + "/compare/{span:seg}", compare),
    Route(API + "/branch/{branch:seg}", create_branch, methods=["POST"]),
    Route(API + "/branch/{branch:seg}", delete_branch, methods=["DELETE"]),
    Route(API + "/tag/{rev:seg}", create_tag, methods=["POST"]),
    Route(API + "/tag/{rev:seg}", delete_tag, methods=["DELETE"]),
    Route(API + "/super-squash/{branch:seg}", super_squash, methods=["POST"]),
]
