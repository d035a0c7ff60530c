"""Listings for clients: trees, chosen paths, and which commit last touched each."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import viewer_of
from llmos.hub.git import refs, tree
from llmos.hub.git.lastcommit import last_commits
from llmos.hub.git.tree import Entry
from llmos.hub.models import FileScan, Repository
from llmos.hub.routing import API, repository_of
from llmos.kit.errors import Invalid
from llmos.kit.time import iso
from llmos.store.http import base_url, blocking, flag, json_of, reply

PAGE_SIZE = 1000
EXPANDED_PAGE_SIZE = 100
MOST_PATHS = 1000


@blocking
def show_tree(request: Request, body: bytes) -> Response:
    """One page of a folder, or of everything under it."""
    repository = repository_of(request, viewer_of(request), wants="see")
    sha = refs.resolve(repository.pk, request.path_params["rev"])
    folder = request.path_params.get("path", "").strip("/")
    expand = flag(request, "expand")
    most = EXPANDED_PAGE_SIZE if expand else PAGE_SIZE
    page = tree.entries(
        repository.pk,
        sha,
        folder,
        recursive=flag(request, "recursive"),
        limit=_limit(request, most),
        cursor=request.query_params.get("cursor"),
    )
    headers = {"X-Repo-Commit": sha}
    if page.cursor is not None:
        query = request.query_params.multi_items()
        kept = [f"{k}={quote(v, safe='')}" for k, v in query if k != "cursor"]
        # The next page is of the same commit, whatever happens to the branch meanwhile.
        path = request.url.path.replace(
            f"/tree/{quote(request.path_params['rev'], safe='')}", f"/tree/{sha}", 1
        )
        url = f"{base_url(request)}{path}?{'&'.join([*kept, f'cursor={quote(page.cursor)}'])}"
        headers["Link"] = f'<{url}>; rel="next"'
    return reply(describe(repository, sha, page.entries, expand=expand), headers=headers)


@blocking
def show_paths(request: Request, body: bytes) -> Response:
    """Those of the asked paths that exist."""
    repository = repository_of(request, viewer_of(request), wants="see")
    sha = refs.resolve(repository.pk, request.path_params["rev"])
    paths, expand = _asked_paths(request, body)
    found = tree.entries_at(repository.pk, sha, paths)
    listed = describe(repository, sha, [e for e in found if e.path], expand=expand)
    return reply(listed, headers={"X-Repo-Commit": sha})


def describe(
    repository: Repository, sha: str, entries: Sequence[Entry], *, expand: bool
) -> list[dict[str, Any]]:
    """Entries in the clients' words; expanded ones with last commit and scan."""
    hashes = tree.xet_hashes(entries)
    described = [_described(entry, hashes) for entry in entries]
    if expand:
        _add_commits(repository, sha, entries, described)
        _add_scans(entries, described)
    return described


def _described(entry: Entry, hashes: dict[str, str]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": entry.type,
        "oid": entry.oid,
        "size": entry.size,
        "path": entry.path,
    }
    if entry.pointer is not None:
        sha256 = entry.pointer.sha256
        shown["lfs"] = {"oid": sha256, "size": entry.size, "pointerSize": entry.stored_size}
        if sha256 in hashes:
            shown["xetHash"] = hashes[sha256]
    return shown


def _add_commits(
    repository: Repository, sha: str, entries: Sequence[Entry], described: list[dict[str, Any]]
) -> None:
    folders = {entry.path.rpartition("/")[0] for entry in entries}
    found = {folder: last_commits(repository.pk, sha, folder) for folder in folders}
    for entry, shown in zip(entries, described, strict=True):
        folder, _, name = entry.path.rpartition("/")
        commit = found[folder].get(name)
        shown["lastCommit"] = commit and {
            "id": commit.sha,
            "title": commit.title,
            "date": iso(commit.date),
        }


def _add_scans(entries: Sequence[Entry], described: list[dict[str, Any]]) -> None:
    names = {entry.etag for entry in entries if entry.type == "file"}
    scans = {scan.content: scan for scan in FileScan.objects.filter(content__in=names)}
    for entry, shown in zip(entries, described, strict=True):
        if entry.type != "file":
            continue
        scan = scans.get(entry.etag)
        shown["securityFileStatus"] = scan and {
            "status": scan.status,
            "avScan": None,
            "pickleImportScan": {"status": scan.status, "pickleImports": scan.imports},
        }


def _asked_paths(request: Request, body: bytes) -> tuple[list[str], bool]:
    if "json" in request.headers.get("content-type", ""):
        asked = json_of(body)
        paths, expand = asked.get("paths", []), asked.get("expand", False) is True
        if isinstance(paths, str):
            paths = [paths]
    else:
        try:
            form = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_PATHS + 10)
        except ValueError as error:
            raise Invalid(f"The form cannot be read: {error}") from error
        paths, expand = form.get("paths", []), form.get("expand", [""])[-1].lower() == "true"
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise Invalid("paths must be a list of texts")
    if len(paths) > MOST_PATHS:
        raise Invalid(f"At most {MOST_PATHS} paths at a time")
    return paths, expand


def _limit(request: Request, most: int) -> int:
    asked = request.query_params.get("limit", "")
    return min(max(int(asked), 1), most) if asked.isdecimal() else most


routes = [
    Route(API + "/tree/{rev:seg}", show_tree),
    Route(API + "/tree/{rev:seg}/{path:tail}", show_tree),
    Route(API + "/paths-info/{rev:seg}", show_paths, methods=["POST"]),
]
