"""Discussions for clients, who list pull requests among them."""

import mimetypes
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import Viewer, viewer_of
from llmos.accounts.models import User
from llmos.community.discussions import actions, queries
from llmos.community.discussions.access import as_member, comment_for, discussion_for
from llmos.community.discussions.models import Deed, Discussion
from llmos.community.threads.access import sees_post
from llmos.community.threads.attaching import address_of, attach
from llmos.community.threads.models import Post, State
from llmos.community.threads.rendering import filled
from llmos.hub.access import rights_of
from llmos.hub.changes import ends, prospect
from llmos.hub.errors import RevisionNotFound
from llmos.hub.git import log, refs, repos
from llmos.hub.models import ChangeRequest, Repository
from llmos.hub.routing import API, repository_of
from llmos.kit.errors import Invalid
from llmos.kit.time import iso
from llmos.store.http import base_url, blocking, flag, json_of, reply

PAGE_SIZE = 50
MOST_COMMITS = 250  # of one change request that are listed
HIDDEN = "This comment has been hidden"  # the text that clients know

_STATUS = {Deed.OPEN: "open", Deed.CLOSED: "closed", Deed.MERGED: "merged"}
_TYPES = {"discussion": "discussion", "pull_request": "change"}


@blocking
def show_all(request: Request, body: bytes) -> Response:
    """Discussions and change requests, newest first; pages count from 0."""
    repository = repository_of(request, viewer_of(request), wants="see")
    query = request.query_params
    wish = queries.Wish(
        type=_TYPES.get(query.get("type", ""), ""),
        status=status if (status := query.get("status", "")) in {"open", "closed"} else "",
        author=query.get("author", ""),
    )
    found = queries.discussions(repository.pk, wish)
    page = query.get("p", "0")
    start = int(page) * PAGE_SIZE if page.isdecimal() and len(page) < 9 else 0
    listed = [_shown(row, repository) for row in found[start : start + PAGE_SIZE]]
    return reply({"discussions": listed, "count": found.count(), "start": start})


@blocking
def show_one(request: Request, body: bytes) -> Response:
    """One discussion with all that happened in it and, when asked, its difference."""
    viewer = viewer_of(request)
    discussion = _discussion(request, viewer, wants="see")
    shown = _shown(discussion, discussion.repository)
    happened = _told(viewer, discussion)
    change = discussion.change_request
    if change is not None:
        merged = change.status == ChangeRequest.Status.MERGED
        shown |= {
            "changes": {"base": repos.MAIN, "mergeCommitId": change.merge_commit or None},
            "filesWithConflicts": [] if merged else prospect(change).conflicts,
        }
        if rights_of(viewer, discussion.repository).read:
            base, head = ends(change)
            happened += [(commit.date, _commit(commit)) for commit in _commits(change, base, head)]
            if flag(request, "diff"):
                text = log.patch_text(change.repository_id, base, head) if head != base else ""
                shown["diff"] = text
    # What opened it comes first, even where the commits are older.
    happened[1:] = sorted(happened[1:], key=_when)
    return reply(shown | {"events": [event for _moment, event in happened]})


@blocking
def create(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    repository = repository_of(request, viewer, wants="contribute")
    asked = json_of(body)
    title, text = _text(asked, "title"), _text(asked, "description")
    if asked.get("pullRequest") is True:
        change = actions.propose(viewer, repository=repository, title=title, text=text)
        return reply({"num": change.number, "pullRequest": True})
    opened = actions.open_discussion(viewer, repository=repository, title=title, text=text)
    return reply({"num": opened.number, "pullRequest": False})


@blocking
def comment(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    discussion = _discussion(request, viewer, wants="contribute")
    text = _text(json_of(body), "comment")
    post = actions.comment(viewer, discussion=discussion, text=text)
    return reply({"newMessage": _event(viewer, post)})


@blocking
def edit_comment(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    discussion = _discussion(request, viewer, wants="contribute")
    post = comment_for(viewer, discussion, request.path_params["comment"])
    text = _text(json_of(body), "content")
    edited = actions.edit_comment(viewer, post=post, text=text)
    return reply({"updatedComment": _event(viewer, edited)})


@blocking
def hide_comment(request: Request, body: bytes) -> Response:
    """Take a comment away for good."""
    viewer = viewer_of(request)
    discussion = _discussion(request, viewer, wants="contribute")
    post = comment_for(viewer, discussion, request.path_params["comment"])
    hidden = actions.hide_comment(viewer, discussion=discussion, post=post)
    return reply({"updatedComment": _event(viewer, hidden)})


@blocking
def rename(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    discussion = _discussion(request, viewer, wants="contribute")
    title = _text(json_of(body), "title")
    line = actions.rename(viewer, discussion=discussion, title=title)
    return reply({"newTitle": _event(viewer, line, title=title)})


@blocking
def set_status(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    discussion = _discussion(request, viewer, wants="contribute")
    asked = json_of(body)
    line = actions.set_status(
        viewer,
        discussion=discussion,
        status=_text(asked, "status"),
        text=_text(asked, "comment"),
    )
    return reply({"newStatus": _event(viewer, line)})


@blocking
def merge(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    discussion = _discussion(request, viewer, wants="write")
    line = actions.merge(viewer, discussion=discussion, text=_text(json_of(body), "comment"))
    assert discussion.change_request is not None  # nothing else can be merged
    merged = discussion.change_request.merge_commit
    return reply({"newStatus": _event(viewer, line), "mergeCommitId": merged})


@blocking
def upload(request: Request, body: bytes) -> Response:
    """A picture or a file for a comment that is being written; answers its address as text."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    name = f"file{mimetypes.guess_extension(kind) or ''}"
    kept = attach(viewer_of(request), SimpleUploadedFile(name, body, kind))
    return Response(base_url(request) + address_of(kept), media_type="text/plain")


def _discussion(request: Request, viewer: Viewer, *, wants: Any) -> Discussion:
    repository = repository_of(request, viewer, wants=wants)
    return discussion_for(viewer, repository, request.path_params["number"])


def _shown(discussion: Discussion, repository: Repository) -> dict[str, Any]:
    thread = discussion.thread
    return {
        "num": discussion.number,
        "title": thread.title,
        "status": discussion.status,
        "isPullRequest": discussion.change_request is not None,
        "createdAt": iso(thread.created_at),
        "repo": {"name": repository.full_name, "type": repository.type},
        "pinned": thread.is_pinned,
        "locked": thread.closed_at is not None,
        **_author(thread.author),
    }


def _told(viewer: Viewer, discussion: Discussion) -> list[tuple[datetime, dict[str, Any]]]:
    """What was said and done, as far as the viewer may read it, oldest first."""
    posts = queries.posts_of(discussion)
    # A line for a new title has the former one; the newer one is that of the next line.
    titles = [post.text for post in posts if post.deed == Deed.RENAMED][1:]
    titles.append(discussion.thread.title)
    newer = iter(titles)
    told = []
    for post in posts:
        if post.state == State.PENDING and not sees_post(as_member(viewer), post):
            continue
        if post.deed == Deed.RENAMED:
            told.append((post.created_at, _event(viewer, post, title=next(newer))))
        elif not post.deed or post.deed in _STATUS:
            told.append((post.created_at, _event(viewer, post)))
    return told


def _when(happened: tuple[datetime, dict[str, Any]]) -> datetime:
    return happened[0]


def _event(viewer: Viewer, post: Post, *, title: str = "") -> dict[str, Any]:
    if post.deed == Deed.RENAMED:
        type_, content = "title-change", {"from": post.text, "to": title}
    elif post.deed:
        type_, content = "status-change", {"status": _STATUS[Deed(post.deed)]}
    else:
        type_, content = "comment", _words(viewer, post)
    return {
        "id": f"{post.pk:024x}",
        "type": type_,
        "createdAt": iso(post.created_at),
        "data": content,
        **_author(post.author),
    }


def _words(viewer: Viewer, post: Post) -> dict[str, Any]:
    moment = iso(post.edited_at or post.created_at)
    by = _author(post.author)
    if post.state in {State.REMOVED, State.HIDDEN}:
        latest = {"raw": HIDDEN, "html": HIDDEN, "updatedAt": moment, **by}
        return {"edited": False, "hidden": True, "latest": latest, "history": []}
    html = str(filled([post], as_member(viewer))[post.pk])
    latest = {"raw": post.text, "html": html, "updatedAt": moment, **by}
    history = [
        {"raw": former.text, "updatedAt": iso(former.at), **_author(former.author)}
        for former in post.revisions.all()
    ]
    return {"edited": post.edits > 0, "hidden": False, "latest": latest, "history": history}


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
    Route(_ONE + "/comment/{comment:seg}/edit", edit_comment, methods=["POST"]),
    Route(_ONE + "/comment/{comment:seg}/hide", hide_comment, methods=["POST"]),
    Route(_ONE + "/title", rename, methods=["POST"]),
    Route(_ONE + "/status", set_status, methods=["POST"]),
    Route(_ONE + "/merge", merge, methods=["POST"]),
    Route("/uploads", upload, methods=["POST"]),
]
