"""What a repository is at a revision: the answer that clients ask for most.

The ordinary answer runs on the event loop: two rows, one reference file, and JSON that was
made when the commit came. Whatever must be computed first is computed in the pool.
"""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import viewer_of
from llmos.hub import queries
from llmos.hub.additions import properties_of
from llmos.hub.facts import safetensors
from llmos.hub.git import refs, tree
from llmos.hub.kinds import Kind
from llmos.hub.models import Repository
from llmos.hub.routing import API, repository_of
from llmos.hub.snapshots import open_entry, snapshot_of
from llmos.kit.errors import Invalid, Unprocessable
from llmos.kit.time import iso
from llmos.store import db
from llmos.store.http import base_url, blocking, endpoint, flag, reply
from llmos.store.threads import in_thread

_COMMON = (
    "author cardData createdAt disabled lastModified likes private resourceGroup sha siblings "
    "tags trendingScore usedStorage"
)
# What clients may ask for by name, per kind: exactly the hub's sets.
EXPANDABLE = {
    "model": sorted(
        (
            f"{_COMMON} baseModels childrenModelCount config downloads downloadsAllTime "
            "evalResults gated gguf inference inferenceProviderMapping library_name mask_token "
            "model-index pipeline_tag safetensors spaces transformersInfo widgetData"
        ).split()
    ),
    "dataset": sorted(
        (
            f"{_COMMON} citation description downloads downloadsAllTime gated mainSize "
            "paperswithcode_id"
        ).split()
    ),
    "space": sorted(f"{_COMMON} datasets models region runtime sdk subdomain".split()),
    "kernel": sorted(f"{_COMMON} downloads downloadsAllTime gated".split()),
}
# Computed when asked for, never part of the ordinary answer.
_DEAR = frozenset({"childrenModelCount", "runtime", "subdomain", "mainSize", "region"})

_SNAPSHOT = """
SELECT facts, {column} FROM hub_snapshot WHERE repository_id = %s AND sha = %s
"""


@endpoint
async def show_info(request: Request) -> Response:
    """A repository at `main` or at a revision, whole or by the asked properties."""
    repository = repository_of(request, viewer_of(request), wants="see")
    expand = asked_properties(request, repository.kind)
    sha = refs.resolve(repository.pk, request.path_params.get("rev", "main"))
    column = "files" if flag(request, "blobs") else "names"
    found = _facts(repository.pk, sha, column)
    if found is None:
        await in_thread(snapshot_of, repository, sha)
        found = _facts(repository.pk, sha, column)
        assert found is not None
    facts, siblings = found
    if expand:
        shown = await in_thread(_expanded, request, repository, sha, facts, siblings, expand)
        return reply(shown)
    row = row_properties(repository, sha)
    if flag(request, "securityStatus"):
        row["securityRepoStatus"] = await in_thread(queries.security_status, repository.pk, sha)
    # Facts are a JSON object in text already: joined as text, not parsed and written again.
    body = b'%s%s%s,"siblings":%s}' % (
        orjson.dumps(row)[:-1],
        b"," if len(facts) > 2 else b"",
        facts[1:-1],
        siblings,
    )
    return Response(body, media_type="application/json")


def asked_properties(request: Request, kind: Kind) -> list[str]:
    """The `expand` parameters, checked. Raises Invalid."""
    asked = [
        name
        for key in ("expand", "expand[]")
        for value in request.query_params.getlist(key)
        for name in value.split(",")
        if name
    ]
    if not asked:
        return []
    known = EXPANDABLE[kind.name]
    for place, name in enumerate(asked):
        if name not in known:
            choices = "|".join(f'"{choice}"' for choice in known)
            raise Invalid(f"Invalid option: expected one of {choices} at expand[{place}]")
    if flags := [f for f in ("blobs", "securityStatus") if flag(request, f)]:
        raise Invalid(f"expand cannot be combined with {', '.join(flags)}")
    return asked


def row_properties(repository: Repository, sha: str) -> dict[str, Any]:
    """What the row knows and the commit does not, in the clients' words."""
    shown: dict[str, Any] = {
        "_id": f"{repository.pk:024x}",
        "id": repository.full_name,
        "author": repository.full_name.partition("/")[0],
        "sha": sha,
        "createdAt": iso(repository.created_at),
        "private": repository.is_private,
        "gated": repository.gated or False,
        "disabled": repository.disabled,
        "likes": repository.likes,
        "trendingScore": repository.trending,
    }
    if repository.type == "space":
        return shown
    shown |= {
        "downloads": repository.downloads,
        "downloadsAllTime": repository.downloads_all_time,
    }
    if repository.type == "model":
        shown |= {"modelId": repository.full_name, "spaces": []}
    return shown


def _facts(repository_id: int, sha: str, column: str) -> tuple[bytes, bytes] | None:
    found = db.row(_SNAPSHOT.format(column=column), (repository_id, sha))
    return None if found is None else (found[0].encode(), found[1].encode())


def _expanded(
    request: Request,
    repository: Repository,
    sha: str,
    facts: bytes,
    siblings: bytes,
    expand: list[str],
) -> dict[str, Any]:
    known: dict[str, Any] = {
        **orjson.loads(facts),
        **row_properties(repository, sha),
        "siblings": orjson.Fragment(siblings),
        "resourceGroup": None,
    }
    known |= properties_of(viewer_of(request), repository, expand, base_url(request))
    if _DEAR.intersection(expand):
        known |= _dear(request, repository, known)
    return {name: known[name] for name in ("_id", "id", *expand) if name in known}


def _dear(request: Request, repository: Repository, known: dict[str, Any]) -> dict[str, Any]:
    if repository.type == "model":
        return {"childrenModelCount": queries.count_children(repository.full_name)}
    if repository.type == "dataset":
        return {"mainSize": known["usedStorage"]}
    subdomain = repository.key.replace("/", "-").replace(".", "-").replace("_", "-")
    return {
        "runtime": {"stage": "STOPPED", "hardware": None, "storage": None, "gcTimeout": None},
        "subdomain": subdomain,
        "host": f"{base_url(request)}/{repository}",
    }


@blocking
def show_safetensors(request: Request, body: bytes) -> Response:
    """The header of one safetensors file, or of every shard of an index."""
    repository = repository_of(request, viewer_of(request), wants="read")
    sha = refs.resolve(repository.pk, request.query_params.get("revision", "main"))
    path = request.path_params["path"]
    entry = tree.entry_at(repository.pk, sha, path)
    try:
        if not path.endswith(".index.json"):
            with open_entry(repository.pk, entry) as file:
                headers = {path: safetensors.read_header(file)}
            return reply({"index": {}, "headers": headers})
        with open_entry(repository.pk, entry) as file:
            index = file.read(safetensors.LONGEST_HEADER)
        return reply(_sharded(repository, sha, path, index))
    except safetensors.NotSafetensors as error:
        raise Unprocessable(f"{path}: {error}") from error


def _sharded(repository: Repository, sha: str, path: str, index: bytes) -> dict[str, Any]:
    folder = path.rpartition("/")[0]
    headers = {}
    for name in safetensors.shards_of(index):
        entry = tree.entry_at(repository.pk, sha, f"{folder}/{name}" if folder else name)
        with open_entry(repository.pk, entry) as file:
            headers[name] = safetensors.read_header(file)
    # the weight map would only repeat the names in the headers
    return {"index": {"metadata": orjson.loads(index).get("metadata")}, "headers": headers}


routes = [
    Route(API, show_info),
    Route(API + "/revision/{rev:seg}", show_info),
    Route(API + "/safetensors-metadata/{path:tail}", show_safetensors),
]
