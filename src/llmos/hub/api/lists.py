"""Lists of repositories with the filters, orders and pages that hub clients ask for."""

from typing import Any
from urllib.parse import urlencode

import orjson
from django.core.cache import cache
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import viewer_of
from llmos.hub import queries
from llmos.hub.api.info import asked_properties, row_properties
from llmos.hub.kinds import Kind
from llmos.hub.listing import Page, Wish, listed
from llmos.hub.models import Repository
from llmos.kit.errors import Invalid
from llmos.kit.time import iso
from llmos.store import db
from llmos.store.http import base_url, blocking, flag, reply

PAGE_SIZE = 500
LARGEST_PAGE = 1000
TAGS_KEPT = 60  # seconds


@blocking
def show_list(request: Request, body: bytes) -> Response:
    kind: Kind = request.path_params["kind"]
    expand = asked_properties(request, kind)
    needs = _needs(request, expand)
    without = _UNSHOWN if kind.name == "model" and not needs and not expand else ()
    columns, join = db.columns(Repository, "r", without=without), ""
    if needs & {"facts", "siblings"}:
        join = "LEFT JOIN hub_snapshot s ON s.repository_id = r.id AND s.sha = r.head_sha"
        columns = f"s.facts, s.names, {columns}"
    page = listed(viewer_of(request), kind, _wish(request, kind), columns=columns, join=join)
    shown = []
    for row in page.rows:
        facts, names, *values = row if join else (None, None, *row)
        repository = db.instance(Repository, values, without=without)
        shown.append(_shown(repository, facts or "{}", names or "[]", needs, expand))
    return reply(shown, headers=_link(request, page))


def _wish(request: Request, kind: Kind) -> Wish:
    """Raises Invalid."""
    query = request.query_params
    tags = [tag for value in _all(request, "filter") for tag in value.split(",") if tag]
    if kind.name == "space":
        tags += [f"models:{name}" for name in _all(request, "models")]
        tags += [f"datasets:{name}" for name in _all(request, "datasets")]
    return Wish(
        tags=tuple(dict.fromkeys(tags)),
        author=query.get("author", ""),
        search=tuple(_all(request, "search")),
        pipeline_tag=query.get("pipeline_tag", ""),
        apps=tuple(_all(request, "apps")),
        gated=flag(request, "gated") if "gated" in query else None,
        num_parameters=query.get("num_parameters", ""),
        # This hub hosts no inference of its own and knows no providers.
        nothing="inference" in query or "inference_provider" in query,
        order=query.get("sort") or "trendingScore",
        limit=_limit(query.get("limit", "")),
        cursor=query.get("cursor", ""),
    )


def _needs(request: Request, expand: list[str]) -> set[str]:
    """Which of the dearer columns the answer shows."""
    if expand:
        needs = {"facts"} if set(expand) - _IN_ROW else set()
        return needs | ({"siblings"} if "siblings" in expand else set())
    full = flag(request, "full")
    needs = {"siblings", "cardData"} if full else set()
    if flag(request, "cardData"):
        needs.add("cardData")
    if flag(request, "config") or (full and request.path_params["kind"].name != "model"):
        needs.add("facts")
    return needs


# Long columns that the shortest rows do not show.
_UNSHOWN = ("card", "description", "protected_branches")

# Properties that a list takes from the repository's row alone.
_IN_ROW = frozenset(
    {
        "author", "cardData", "createdAt", "disabled", "downloads", "downloadsAllTime", "gated",
        "lastModified", "library_name", "likes", "pipeline_tag", "private", "resourceGroup", "sha",
        "siblings", "tags", "trendingScore", "usedStorage",
    }
)  # fmt: skip
_FULL_FACTS = ("config", "citation", "paperswithcode_id", "models", "datasets", "sdk")


def _shown(
    repository: Repository, facts: str, names: str, needs: set[str], expand: list[str]
) -> dict[str, Any]:
    shown = row_properties(repository, repository.head_sha)
    shown |= {"lastModified": iso(repository.updated_at), "tags": repository.tags}
    if repository.pipeline_tag:
        shown["pipeline_tag"] = repository.pipeline_tag
    if repository.library_name:
        shown["library_name"] = repository.library_name
    if repository.type == "dataset":
        shown["description"] = repository.description
    if repository.type == "space" and isinstance(repository.card.get("sdk"), str):
        shown["sdk"] = repository.card["sdk"]
    if "siblings" in needs:
        shown["siblings"] = orjson.Fragment(names)
    if "facts" in needs:
        known = orjson.loads(facts)
        chosen = expand or _FULL_FACTS
        shown |= {name: known[name] for name in chosen if name in known and name not in shown}
    if "cardData" in needs or "cardData" in expand:
        shown["cardData"] = repository.card
    if not expand:
        return shown
    shown |= {"resourceGroup": None, "usedStorage": repository.used_storage}
    return {name: shown[name] for name in ("_id", "id", *expand) if name in shown}


def _link(request: Request, page: Page) -> dict[str, str]:
    """The next page with every filter of this one."""
    if not page.cursor:
        return {}
    kept = [(k, v) for k, v in request.query_params.multi_items() if k != "cursor"]
    url = f"{base_url(request)}{request.url.path}?{urlencode([*kept, ('cursor', page.cursor)])}"
    return {"Link": f'<{url}>; rel="next"'}


def _all(request: Request, name: str) -> list[str]:
    query = request.query_params
    return [value for key in (name, f"{name}[]") for value in query.getlist(key) if value]


def _limit(text: str) -> int:
    if not text:
        return PAGE_SIZE
    if not text.isdecimal() or int(text) < 1:
        raise Invalid(f"limit is a whole number from 1 on, not {text!r}")
    return min(int(text), LARGEST_PAGE)


@blocking
def show_tags(request: Request, body: bytes) -> Response:
    """All tags of public repositories by what they are about, for filters."""
    kind: Kind = request.path_params["kind"]
    key = f"hub.tags.{kind.name}"
    found = cache.get(key)
    if found is None:
        found = _by_type(kind)
        cache.set(key, found, TAGS_KEPT)
    return reply(found)


def _by_type(kind: Kind) -> dict[str, list[dict[str, str]]]:
    groups: dict[str, list[dict[str, str]]] = {name: [] for name in _GROUPS[kind.name]}
    tasks, libraries = queries.pipeline_tags(), queries.libraries()
    for tag, _count in queries.public_tags(kind):
        group, label = _group(kind, tag, tasks, libraries)
        groups.setdefault(group, []).append({"id": tag, "label": label, "type": group})
    return groups


_GROUPS = {
    "model": ("pipeline_tag", "library", "language", "license", "dataset", "other"),
    "dataset": (
        "task_categories", "size_categories", "language", "license", "task_ids",
        "multilinguality", "language_creators", "format", "modality", "other",
    ),
}  # fmt: skip


def _group(kind: Kind, tag: str, tasks: set[str], libraries: set[str]) -> tuple[str, str]:
    name, colon, value = tag.partition(":")
    if kind.name == "dataset":
        return (name, value) if colon else ("other", tag)
    if colon and name in {"license", "dataset", "arxiv", "base_model"}:
        return ("base_model" if name == "base_model" else name), value
    if tag in tasks:
        return "pipeline_tag", tag
    if tag in libraries:
        return "library", tag
    return ("language", tag) if 2 <= len(tag) <= 3 and tag.isalpha() else ("other", tag)


routes = [
    Route("/api/{kind:plural}", show_list),
    Route("/api/{kind:plural}-tags-by-type", show_tags),
]
