"""Uploading files from the browser.

The page's script speaks the clients' own endpoints and takes files of any size; without it,
this form takes what one form may hold.
"""

import hashlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from llmos.hub.addresses import repo_paths
from llmos.hub.door import Opened, opened
from llmos.hub.frame import repo_page
from llmos.hub.git import refs
from llmos.hub.git.draft import Draft
from llmos.hub.git.rules import Announced, upload_mode
from llmos.hub.lfs.actions import keep_blob
from llmos.hub.pages.files import crumbs
from llmos.hub.pages.writing import commit, commit_fields
from llmos.kit.errors import Invalid, Refusal
from llmos.store.blobs import Received, upload_path
from llmos.wire.lfs import Pointer

if TYPE_CHECKING:
    Upload = UploadedFile[Any]  # generic for the type checker alone

FORM_LIMIT_BYTES = 100 * 10**6  # the bridge takes 128 MiB, encoding and all
SAMPLE_BYTES = 512  # as much as clients send


def upload(request: HttpRequest, type_: str, ns: str, name: str, rest: str = "") -> HttpResponse:
    at = opened(request, type_, ns, name, wants="contribute")
    refs.writable_ref(at.revision)
    if request.method == "POST":
        try:
            return HttpResponseRedirect(_take(request, at, request.FILES.getlist("files")))
        except Refusal as refusal:
            return _form(request, at, refusal.message)
    return _form(request, at)


def _take(request: HttpRequest, at: Opened, files: Iterable["Upload"]) -> str:
    """Commit the form's files; returns the page that shows them. Raises Invalid and others."""
    chosen = [file for file in files if file.name]
    if not chosen:
        raise Invalid(_("Choose at least one file"))
    folder = at.path.strip("/")

    def change(draft: Draft) -> None:
        for file in chosen:
            _put(at, draft, f"{folder}/{file.name}".lstrip("/"), file)

    summary = ngettext("Upload %(n)d file", "Upload %(n)d files", len(chosen)) % {"n": len(chosen)}
    return commit(request, at, change, summary=summary)


def _put(at: Opened, draft: Draft, path: str, file: "Upload") -> None:
    size = file.size or 0
    sample = file.read(SAMPLE_BYTES)
    file.seek(0)
    if upload_mode(at.repository.pk, draft.base, Announced(path, size, sample)) == "lfs":
        draft.point(path, _keep_large(at.repository.pk, file))
    else:
        draft.write(path, file.read())


def _keep_large(repository_id: int, file: "Upload") -> Pointer:
    """Store a large file's content, hashed here; whole on disk before anything names it."""
    path, digest, size = upload_path(), hashlib.sha256(), 0
    try:
        with path.open("xb") as kept:
            for piece in file.chunks():
                kept.write(piece)
                digest.update(piece)
                size += len(piece)
            kept.flush()
            os.fsync(kept.fileno())
        body = Received(path=path, size=size, sha256=digest.hexdigest())
        keep_blob(repository_id=repository_id, body=body)
    finally:
        path.unlink(missing_ok=True)
    return Pointer(body.sha256, size)


def _form(request: HttpRequest, at: Opened, problem: str = "") -> HttpResponse:
    folder = at.path.strip("/")
    response = repo_page(
        request,
        at,
        "hub/upload.html",
        "files",
        folder=folder,
        crumbs=crumbs(at, folder, "tree"),
        problem=problem,
        limit=FORM_LIMIT_BYTES,
        api=f"/api/{at.repository.kind.plural}/{at.repository.full_name}",
        **commit_fields(request, at),
    )
    response.status_code = 422 if problem else 200
    return response


urlpatterns = repo_paths("/upload/<path:rest>", upload, "upload")
