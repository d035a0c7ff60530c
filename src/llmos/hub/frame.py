"""What all pages of one repository share: its name, what it is, its tabs, who may do what."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from llmos.hub.additions import Named, Tab, beside, tabs_of
from llmos.hub.door import Opened
from llmos.hub.models import Repository
from llmos.hub.queries import likes

# Tags that say again what a column or another chip says.
_PREFIXES_LEFT_OUT = (
    "dataset:",
    "license:",
    "language:",
    "region:",
    "modality:",
    "task_ids:",
    "library:",
)
CHIPS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Chip:
    name: str
    address: str


def repo_page(
    request: HttpRequest, at: Opened, template: str, tab: str, **context: Any
) -> HttpResponse:
    """Render a page of a repository with its head and tabs around it."""
    return render(request, template, {**_frame(request, at, tab), **context})


def _frame(request: HttpRequest, at: Opened, tab: str) -> dict[str, Any]:
    repository = at.repository
    named = Named("repository", str(repository.pk), str(repository))
    return {
        "at": at,
        "repository": repository,
        "rights": at.rights,
        "tab": tab,
        "tabs": _tabs(at),
        "chips": chips(repository),
        "liked": likes(at.viewer.user_id, repository.pk),
        "beside": beside(request, named),
    }


def chips(repository: Repository) -> list[Chip]:
    """Task, languages, library, licence, then other tags; each leads to its list."""
    shelf = f"/{repository.kind.plural}"
    found: dict[str, Chip] = {}
    if repository.pipeline_tag:
        found[repository.pipeline_tag] = Chip(
            repository.pipeline_tag, f"{shelf}?tag={repository.pipeline_tag}"
        )
    # What decides whether a model can be used comes before where it was written about.
    for tag in sorted(repository.tags, key=_rank):
        if tag in found or len(found) >= CHIPS_SHOWN:
            continue
        name = tag.removeprefix("license:").removeprefix("language:")
        shown = name != tag or not tag.startswith(_PREFIXES_LEFT_OUT)
        if shown and not tag.startswith(("region:", "modality:")):
            found[tag] = Chip(name, f"{shelf}?tag={tag}")
    return list(found.values())


def _rank(tag: str) -> int:
    return 0 if tag.startswith("license:") else 2 if tag.startswith("arxiv:") else 1


def _tabs(at: Opened) -> list[Tab]:
    tabs: list[Tab] = [("card", at.url, _("Card"), None)]
    if at.rights.read:
        tabs += [
            ("files", at.at("tree", ""), _("Files"), None),
            ("history", at.at("commits", ""), _("History"), None),
        ]
    tabs += tabs_of(at)
    if at.rights.admin:
        tabs.append(("settings", f"{at.url}/settings", _("Settings"), None))
    return tabs
