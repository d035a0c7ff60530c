"""Folders and files of a repository at a revision, as people read them."""

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from llmos.hub.addresses import repo_paths
from llmos.hub.commits import commit_of
from llmos.hub.door import Opened, opened
from llmos.hub.facts.cards import read_card
from llmos.hub.frame import repo_page
from llmos.hub.git import refs
from llmos.hub.git.lastcommit import last_commits
from llmos.hub.git.tree import Entry, entries, entry_at, read_blob, xet_hashes
from llmos.hub.pages.repo import CARD, card_links
from llmos.hub.pages.weights import weights_table
from llmos.hub.queries import scans_of
from llmos.store.markup import highlight_lines, render_markdown

ROWS_A_PAGE = 100
SHOWN_BYTES = 512 * 1024  # a larger text is offered for download only
LINES_SHOWN = 10_000
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".avif"})
_SOUNDS = frozenset({".wav", ".mp3", ".flac", ".ogg", ".m4a"})
_MARKDOWN = frozenset({".md", ".markdown"})


def tree(request: HttpRequest, type_: str, ns: str, name: str, rest: str = "") -> HttpResponse:
    at = opened(request, type_, ns, name)
    folder = at.path.strip("/")
    if folder and entry_at(at.repository.pk, at.sha, folder).type == "file":
        return HttpResponseRedirect(at.at("blob", folder))
    page = entries(
        at.repository.pk,
        at.sha,
        folder,
        limit=ROWS_A_PAGE,
        cursor=request.GET.get("after"),
    )
    last = last_commits(at.repository.pk, at.sha, folder)
    return repo_page(
        request,
        at,
        "hub/tree.html",
        "files",
        folder=folder,
        crumbs=crumbs(at, folder, "tree"),
        entries=page.entries,
        next_page=f"{at.at('tree', folder)}?after={quote(page.cursor)}" if page.cursor else None,
        last=last,
        tip=commit_of(at.repository.pk, at.sha),
        xet=xet_hashes(page.entries),
        scans=scans_of(page.entries),
        revisions=refs.list_refs(at.repository.pk),
        readme=_readme(at, folder, page.entries),
    )


def blob(request: HttpRequest, type_: str, ns: str, name: str, rest: str) -> HttpResponse:
    at = opened(request, type_, ns, name)
    entry = entry_at(at.repository.pk, at.sha, at.path)
    if entry.type == "directory":
        return HttpResponseRedirect(at.at("tree", at.path))
    folder, _slash, base_name = at.path.rpartition("/")
    return repo_page(
        request,
        at,
        "hub/blob.html",
        "files",
        entry=entry,
        crumbs=crumbs(at, at.path, "blob"),
        last=last_commits(at.repository.pk, at.sha, folder).get(base_name),
        xet=xet_hashes([entry]),
        scan=scans_of([entry]).get(entry.etag),
        revisions=refs.list_refs(at.repository.pk),
        plain=request.GET.get("plain") == "1",
        **_shown(at, entry, plain=request.GET.get("plain") == "1"),
    )


def raw(request: HttpRequest, type_: str, ns: str, name: str, rest: str) -> HttpResponse:
    """The address under which people look for the bare file; the bytes come from `resolve`."""
    at = opened(request, type_, ns, name)
    return HttpResponseRedirect(at.at("resolve"))


def crumbs(at: Opened, path: str, last_page: str) -> list[tuple[str, str]]:
    """Links from the top folder down to a path."""
    found = [(at.at("tree", ""), at.repository.name)]
    parts = [part for part in path.split("/") if part]
    for depth, part in enumerate(parts, start=1):
        page = last_page if depth == len(parts) else "tree"
        found.append((at.at(page, "/".join(parts[:depth])), part))
    return found


def text_of(at: Opened, entry: Entry) -> str | None:
    """A regular file's text, or None when it is large, binary, or kept outside git."""
    if entry.pointer or entry.stored_size > SHOWN_BYTES:
        return None
    content = read_blob(at.repository.pk, entry.oid)
    if b"\0" in content[:8000]:
        return None
    return content.decode("utf-8", "replace")


def _shown(at: Opened, entry: Entry, *, plain: bool) -> dict[str, Any]:
    """Which way a file is shown, and what that way needs."""
    suffix = PurePosixPath(entry.path).suffix.lower()
    if suffix in _PICTURES and not plain:
        return {"way": "picture"}
    if suffix in _SOUNDS:
        return {"way": "sound"}
    if suffix == ".safetensors" and (table := weights_table(at.repository.pk, entry)):
        return {"way": "weights", "weights": table}
    text = text_of(at, entry)
    if text is None:
        return {"way": "large" if entry.size > SHOWN_BYTES else "binary"}
    if suffix in _MARKDOWN and not plain:
        words = read_card(text).text if entry.path == CARD else text
        folder = entry.path.rpartition("/")[0]
        return {"way": "prose", "html": render_markdown(words, card_links(at, folder))}
    lines = highlight_lines(text, PurePosixPath(entry.path).name)
    return {
        "way": "code",
        "lines": lines[:LINES_SHOWN],
        "cut": max(0, len(lines) - LINES_SHOWN),
        "line_count": len(lines),
        "markdown": suffix in _MARKDOWN,
    }


def _readme(at: Opened, folder: str, found: list[Entry]) -> Any:
    """The text beside a folder's files; the top one is the card and has its own page."""
    if not folder:
        return None
    path = f"{folder}/{CARD}"
    entry = next((entry for entry in found if entry.path == path), None)
    text = text_of(at, entry) if entry else None
    return render_markdown(text, card_links(at, folder)) if text else None


urlpatterns = [
    *repo_paths("/tree/<path:rest>", tree, "tree"),
    *repo_paths("/tree", tree, "files"),
    *repo_paths("/blob/<path:rest>", blob, "blob"),
    *repo_paths("/raw/<path:rest>", raw, "raw"),
]
