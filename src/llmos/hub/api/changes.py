"""Change requests for clients, who call them pull requests and list them as discussions."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import viewer_of
from llmos.accounts.models import User
from llmos.hub import changes, queries
from llmos.hub.errors import RevisionNotFound
from llmos.hub.git import log, refs, repos
from llmos.hub.merging import outlook
from llmos.hub.models import ChangeEvent, ChangeRequest, Repository
from llmos.hub.routing import API, repository_of
from llmos.kit.errors import Invalid, NotFound
from llmos.kit.time import iso
from llmos.store.http import blocking, flag, json_of, reply

PAGE_SIZE = 50
MOST_COMMITS = 250  # of one change request that are listed


class NoDiscussions(Invalid):
    """Conversation is not part of this hub yet; change requests are."""

    code = "DiscussionsNotAvailable"


@blocking
def show_all(request: Request, body: bytes) -> Response:
    """Change requests, newest first; pages count from 0."""
    repository = repository_of(request, viewer_of(request), wants="see")
    found = queries.change_requests(repository.pk)
    query = request.query_params
    if query.get("type") == "discussion":
        found = found.none()
    if query.get("status") == "open":
        found = found.filter(status__in=["open", "draft"])
    elif query.get("status") == "closed":
        found = found.filter(status__in=["closed", "merged"])
    if author := query.get("author"):
        found = found.filter(author__namespace__key=author.casefold())
    page = query.get("p", "0")
    start = int(page) * PAGE_SIZE if page.isdecimal() and len(page) < 9 else 0
    rows = found[start : start + PAGE_SIZE]
    listed = [_shown(row, repository) for row in rows]
    return reply({"discussions": listed, "count": found.count(), "start": start})


@blocking
def show_one(request: Request, body: bytes) -> Response:
    """One change request with what happened to it and, when asked, its difference."""
    repository = repository_of(request, viewer_of(request), wants="see")
    change = _change(request, repository)
    main = refs.resolve(repository.pk, "main")
    head = refs.read_ref(repository.pk, f"refs/pr/{change.number}") or change.base
    ahead = outlook(repository.pk, target=main, source=head)
    merged = change.status == ChangeRequest.Status.MERGED
    base = change.base if merged else (ahead.base or change.base)
    shown = _shown(change, repository) | {
        "events": _events(change, base, head),
        "changes": {"base": repos.MAIN, "mergeCommitId": change.merge_commit or None},
        "filesWithConflicts": [] if merged else ahead.conflicts,
    }
    if flag(request, "diff"):
        shown["diff"] = log.patch_text(repository.pk, base, head) if head != base else ""
    return reply(shown)


@blocking
def create(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    repository = repository_of(request, viewer, wants="contribute")
    asked = json_of(body)
    if asked.get("pullRequest") is not True:
        raise NoDiscussions(
            "This hub has no discussions yet; a pull request can be opened with pullRequest: true"
        )
    assert viewer.user_id is not None  # `contribute` needs a member
    change = changes.propose(
        repository=repository,
        author_id=viewer.user_id,
        title=_text(asked, "title"),
        description=_text(asked, "description"),
    )
    return reply({"num": change.number, "pullRequest": True})


@blocking
def comment(request: Request, body: bytes) -> Response:
    _change(request, repository_of(request, viewer_of(request), wants="contribute"))
    raise NoDiscussions("This hub has no comments on pull requests yet")


@blocking
def rename(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    change = _change(request, repository_of(request, viewer, wants="contribute"))
    changes.refuse_strangers(viewer, change)
    title = _text(json_of(body), "title")
    event = changes.rename(change=change, user_id=viewer.user_id, title=title)
    return reply({"newTitle": _event(event)})


@blocking
def set_status(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    change = _change(request, repository_of(request, viewer, wants="contribute"))
    changes.refuse_strangers(viewer, change)
    asked = json_of(body)
    event = changes.set_status(
        change=change,
        user_id=viewer.user_id,
        status=_text(asked, "status"),
        comment=_text(asked, "comment"),
    )
    return reply({"newStatus": _event(event)})


@blocking
def merge(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    change = _change(request, repository_of(request, viewer, wants="write"))
    note = _text(json_of(body), "comment")
    event = changes.merge_change(change=change, viewer=viewer, comment=note)
    return reply({"newStatus": _event(event), "mergeCommitId": change.merge_commit})


def _change(request: Request, repository: Repository) -> ChangeRequest:
    """Raises NotFound."""
    number = request.path_params["number"]
    found = queries.change_request(repository.pk, number) if number < 2**31 else None
    if found is None:
        raise NotFound(f"There is no change request {number} here")
    return found


def _shown(change: ChangeRequest, repository: Repository) -> dict[str, Any]:
    return {
        "num": change.number,
        "title": change.title,
        "status": change.status,
        "isPullRequest": True,
        "createdAt": iso(change.created_at),
        "repo": {"name": repository.full_name, "type": repository.type},
        "pinned": False,
        **_author(change.author),
    }


def _events(change: ChangeRequest, base: str, head: str) -> list[dict[str, Any]]:
    """The description first, then commits and changes by time."""
    rows = change.events.select_related("author").order_by("id")
    happened = [(row.created_at, _event(row)) for row in rows]
    happened += [(commit.date, _commit(commit)) for commit in _commits(change, base, head)]
    happened.sort(key=_when)
    return [_opening(change), *(shown for _moment, shown in happened)]


def _when(happened: tuple[datetime, dict[str, Any]]) -> datetime:
    return happened[0]


def _commits(change: ChangeRequest, base: str, head: str) -> list[log.Commit]:
    """The change request's own commits, oldest first."""
    if head == base:
        return []
    try:
        refs.resolve(change.repository_id, head)
    except RevisionNotFound:
        return []
    found = log.history(change.repository_id, f"{base}..{head}", limit=MOST_COMMITS)
    return found[::-1]


def _commit(commit: log.Commit) -> dict[str, Any]:
    return {
        "id": commit.sha[:24],
        "type": "commit",
        "createdAt": iso(commit.date),
        "author": {"name": commit.author},
        "data": {"subject": commit.title, "oid": commit.sha},
    }


def _event(event: ChangeEvent) -> dict[str, Any]:
    content = event.content
    if event.type == ChangeEvent.Type.COMMENT:
        content = _words(str(content.get("text", "")), event.created_at, event.author)
    return {
        "id": f"{event.pk:024x}",
        "type": event.type,
        "createdAt": iso(event.created_at),
        "data": content,
        **_author(event.author),
    }


def _opening(change: ChangeRequest) -> dict[str, Any]:
    return {
        "id": f"{change.pk:024x}",
        "type": "comment",
        "createdAt": iso(change.created_at),
        "data": _words(change.description, change.created_at, change.author),
        **_author(change.author),
    }


def _words(text: str, moment: datetime, author: User | None) -> dict[str, Any]:
    latest = {"raw": text, "html": "", "updatedAt": iso(moment), **_author(author)}
    return {"edited": False, "hidden": False, "latest": latest, "history": []}


def _author(user: User | None) -> dict[str, Any]:
    """Left out for somebody who is gone: clients then say so themselves."""
    return {} if user is None else {"author": {"name": user.username, "type": "user"}}


def _text(asked: dict[str, Any], key: str) -> str:
    value = asked.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(f"{key} must be a text")
    return value


_ONE = API + "/discussions/{number:int}"
routes = [
    Route(API + "/discussions", show_all),
    Route(API + "/discussions", create, methods=["POST"]),
    Route(_ONE, show_one),
    Route(_ONE + "/comment", comment, methods=["POST"]),
    Route(_ONE + "/title", rename, methods=["POST"]),
    Route(_ONE + "/status", set_status, methods=["POST"]),
    Route(_ONE + "/merge", merge, methods=["POST"]),
]
