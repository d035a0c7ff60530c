"""Writing a text file in the browser: a new one, a changed one, or none any more."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from llmos.hub.addresses import repo_paths
from llmos.hub.door import Opened, opened
from llmos.hub.errors import BranchMoved, EntryNotFound
from llmos.hub.frame import repo_page
from llmos.hub.git import refs
from llmos.hub.git.draft import Draft
from llmos.hub.git.tree import entries_at, entry_at
from llmos.hub.pages.files import crumbs, text_of
from llmos.hub.pages.writing import commit, commit_fields
from llmos.kit.errors import Invalid, Refusal

CARD_START = """---
license: apache-2.0
language:
- en
---

# {name}

What it is, in one paragraph.

## Where it came from

## How well it does

## How to use it
"""


def edit(request: HttpRequest, type_: str, ns: str, name: str, rest: str) -> HttpResponse:
    at = opened(request, type_, ns, name, wants="contribute")
    entry = entry_at(at.repository.pk, at.sha, at.path)
    text = text_of(at, entry) if entry.type == "file" else None
    if text is None:
        raise Invalid(_("Only text files up to half a megabyte can be edited here; upload it"))
    if request.method != "POST":
        return _form(request, at, text=text, opened_oid=entry.oid)
    path, text = _path_in(request), _text_in(request)
    opened_oid = request.POST.get("opened", "")

    def change(draft: Draft) -> None:
        now = entries_at(at.repository.pk, draft.base, [at.path])
        if not now or now[0].oid != opened_oid:
            raise BranchMoved
        if path != at.path:
            draft.remove(at.path)
        draft.write(path, text.encode())

    summary = _("Update %(path)s") % {"path": path}
    return _landed(request, at, change, path, summary, text=text, opened_oid=opened_oid)


def new(request: HttpRequest, type_: str, ns: str, name: str, rest: str = "") -> HttpResponse:
    """A new file; the address's path is a folder, or the file's name when it has an ending."""
    at = opened(request, type_, ns, name, wants="contribute")
    if request.method != "POST":
        is_card = at.path == "README.md"
        text = CARD_START.format(name=at.repository.name) if is_card else ""
        path = at.path if "." in at.path.rpartition("/")[2] else f"{at.path}/".lstrip("/")
        return _form(request, at, text=text, path=path, is_new=True)
    path, text = _path_in(request), _text_in(request)

    def change(draft: Draft) -> None:
        if entries_at(at.repository.pk, draft.base, [path]):
            raise Invalid(_("%(path)s exists already; open it and edit it") % {"path": path})
        draft.write(path, text.encode())

    summary = _("Add %(path)s") % {"path": path}
    return _landed(request, at, change, path, summary, text=text, is_new=True)


def delete(request: HttpRequest, type_: str, ns: str, name: str, rest: str) -> HttpResponse:
    at = opened(request, type_, ns, name, wants="contribute")
    entry_at(at.repository.pk, at.sha, at.path)
    if request.method == "POST":
        summary = _("Delete %(path)s") % {"path": at.path}
        address = commit(request, at, lambda draft: draft.remove(at.path), summary=summary)
        return HttpResponseRedirect(address)
    return repo_page(
        request,
        at,
        "hub/delete.html",
        "files",
        crumbs=crumbs(at, at.path, "blob"),
        **commit_fields(request, at),
    )


def _landed(
    request: HttpRequest,
    at: Opened,
    change: Any,
    path: str,
    summary: str,
    **again: Any,
) -> HttpResponse:
    """Commit and go there; a refusal shows the form again with nothing lost."""
    try:
        address = commit(request, at, change, summary=summary)
    except EntryNotFound:
        raise
    except Refusal as refusal:
        return _form(request, at, path=path, problem=refusal.message, **again)
    onto_branch = "/discussions/" not in address
    return HttpResponseRedirect(at.at("blob", path) if onto_branch else address)


def _form(
    request: HttpRequest,
    at: Opened,
    *,
    text: str,
    path: str | None = None,
    opened_oid: str = "",
    problem: str = "",
    is_new: bool = False,
) -> HttpResponse:
    response = repo_page(
        request,
        at,
        "hub/edit.html",
        "files",
        text=text,
        path=at.path if path is None else path,
        opened_oid=opened_oid,
        problem=problem,
        is_new=is_new,
        on_branch=_moves(at),
        **commit_fields(request, at),
    )
    response.status_code = 422 if problem else 200
    return response


def _moves(at: Opened) -> bool:
    """Whether the opened revision is one that a commit can move. Raises RevisionNotFound."""
    return bool(refs.writable_ref(at.revision))


def _path_in(request: HttpRequest) -> str:
    return request.POST.get("path", "").strip().strip("/")


def _text_in(request: HttpRequest) -> str:
    """Browsers send CRLF in forms; files in git have LF, and end with one."""
    text = request.POST.get("text", "").replace("\r\n", "\n")
    return text if not text or text.endswith("\n") else f"{text}\n"


urlpatterns = [
    *repo_paths("/edit/<path:rest>", edit, "edit"),
    *repo_paths("/new/<path:rest>", new, "new-file"),
    *repo_paths("/delete/<path:rest>", delete, "delete-file"),
]
