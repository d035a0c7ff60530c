"""Lineage for people: a repository's own page, one activity, and what other pages show of both."""

import yaml
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from llmos.hub.additions import Panel, Tab
from llmos.hub.addresses import repo_paths
from llmos.hub.door import Opened, opened, viewer_of_page
from llmos.hub.frame import repo_page
from llmos.provenance import queries, words
from llmos.provenance.access import activity_for
from llmos.provenance.claims import claimed_sources, claimed_uses
from llmos.provenance.drawing import drawn
from llmos.provenance.graph import lineage_of
from llmos.provenance.listing import listed
from llmos.provenance.models import Activity

KINDS = frozenset({"model", "dataset"})
DEPTHS = (1, 2, 3, 6, 12)
DEPTH = 3
LISTED = 200  # activities in one direction, on a page
BESIDE = 6  # names in a panel beside the card
WARNED = 12  # names in a warning
_MADE = "llmos_made_by"


def lineage(request: HttpRequest, type_: str, ns: str, name: str) -> HttpResponse:
    at = opened(request, type_, ns, name, wants="see")
    asked = request.GET.get("depth", "")
    depth = int(asked) if asked.isdecimal() and int(asked) in DEPTHS else DEPTH
    repository = at.repository
    before = lineage_of(at.viewer, repository, direction="from", depth=depth, most=LISTED)
    after = lineage_of(at.viewer, repository, direction="to", depth=depth, most=LISTED)
    sources = _sources(at, queries.made_by(repository))
    return repo_page(
        request,
        at,
        "provenance/lineage.html",
        "lineage",
        drawing=drawn(before, after) if before.steps or after.steps else None,
        made_from=listed(before),
        used_for=listed(after),
        cut=before.cut or after.cut,
        depth=depth,
        depths=DEPTHS,
        outdated=[one for one in sources if one.is_outdated],
        runs=queries.runs_of(repository),
        sources_claimed=claimed_sources(at.viewer, repository, _names(sources)),
        uses_claimed=claimed_uses(
            at.viewer, repository, [node.name for node in after.nodes.values()]
        ),
        words=words,
    )


def activity(request: HttpRequest, activity_id: str) -> HttpResponse:
    viewer = viewer_of_page(request)
    found = activity_for(viewer, activity_id)
    return render(
        request,
        "provenance/activity.html",
        {
            "activity": found,
            "sources": queries.sources_of(viewer, found),
            "output": queries.output_of(viewer, found),
            "recipe_text": yaml.safe_dump(
                queries.recipe_for(viewer, found), allow_unicode=True, sort_keys=False
            ),
            "rebuilds": queries.rebuilds_of(found),
            "count": queries.rebuild_count(found),
            "signed_in": not viewer.is_anonymous,
            "words": words,
        },
    )


def tab(at: Opened) -> Tab | None:
    if at.repository.type not in KINDS:
        return None
    return ("lineage", f"{at.url}/lineage", _("Lineage"), None)


def strip(request: HttpRequest, at: Opened) -> Panel | None:
    """Above the card: data, recipe, this; and whether it rebuilds to the same bytes."""
    made = _made(request, at)
    if made is None:
        return None
    return Panel(
        "provenance/parts/strip.html",
        {
            "activity": made,
            "sources": _sources(at, made),
            "count": queries.rebuild_count(made),
            "is_as_made": queries.is_as_made(made, at.repository),
            "words": words,
        },
    )


def made_from(request: HttpRequest, at: Opened) -> Panel | None:
    """Beside the card: what the platform recorded, then what its author says."""
    if at.repository.type not in KINDS:
        return None
    sources = _sources(at, _made(request, at))
    claims = claimed_sources(at.viewer, at.repository, _names(sources))
    if not sources and not claims:
        return None
    context = {"sources": sources, "claims": claims, "words": words}
    return Panel("provenance/parts/made_from.html", context)


def used_for(request: HttpRequest, at: Opened) -> Panel | None:
    if at.repository.type not in KINDS:
        return None
    found = queries.descendants_of(at.viewer, at.repository, most=BESIDE, depth=1)
    claims = claimed_uses(at.viewer, at.repository, [name for name, _, _ in found.named])
    if not found.named and not found.private and not claims:
        return None
    context = {
        "found": found,
        "claims": claims[:BESIDE],
        "uses": queries.uses_count(at.repository),
        "words": words,
    }
    return Panel("provenance/parts/used_for.html", context)


def warning(request: HttpRequest, at: Opened) -> Panel | None:
    """Before a deed that cannot be undone: what would be left behind by it."""
    if at.path == "README.md":
        return None
    found = queries.descendants_of(at.viewer, at.repository, most=LISTED)
    if not found.named and not found.private:
        return None
    context = {"found": found, "shown": WARNED}
    return Panel("provenance/parts/warning.html", context)


def _made(request: HttpRequest, at: Opened) -> Activity | None:
    """Two panels of one page ask; it is read once."""
    if not hasattr(request, _MADE):
        setattr(request, _MADE, queries.made_by(at.repository))
    found: Activity | None = getattr(request, _MADE)
    return found


def _sources(at: Opened, made: Activity | None) -> list[queries.Source]:
    return queries.sources_of(at.viewer, made) if made else []


def _names(sources: list[queries.Source]) -> list[str]:
    return [source.name for source in sources if source.name]


urlpatterns = [
    path("activities/<str:activity_id>", activity, name="activity"),
    *repo_paths("/lineage", lineage, "lineage"),
]
