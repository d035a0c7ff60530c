"""Guides and code examples, as pages and where a model is shown."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from llmos.community.welcome.examples import USES, environment_lines, examples_of
from llmos.community.welcome.guides import HUB, all_guides, guide_named
from llmos.hub.additions import Panel
from llmos.hub.door import Opened
from llmos.kit.errors import NotFound
from llmos.store.markup import LinkBase, render_markdown


def guides(request: HttpRequest) -> HttpResponse:
    return render(request, "welcome/guides.html", {"guides": all_guides(get_language() or "en")})


def guide(request: HttpRequest, name: str) -> HttpResponse:
    language = get_language() or "en"
    found = guide_named(name, language)
    if found is None:
        raise NotFound(_("There is no such guide"))
    here = f"{request.scheme}://{request.get_host()}"
    written = found.text.replace(HUB, here)
    text = render_markdown(written, LinkBase(pages="/", raw="/", top_pages="/", top_raw="/"))
    context = {"guide": found, "text": text, "guides": all_guides(language)}
    return render(request, "welcome/guide.html", context)


def examples(request: HttpRequest) -> HttpResponse:
    context = {
        "uses": [(use, examples_of(use, model="ada/model")) for use in USES],
        "environment": environment_lines(f"{request.scheme}://{request.get_host()}"),
    }
    return render(request, "welcome/examples.html", context)


def panel(request: HttpRequest, at: Opened) -> Panel | None:
    """On a model's page: how to use it from code, for the uses that have examples."""
    repository = at.repository
    if repository.type != "model" or not at.rights.read:
        return None
    found = examples_of(repository.pipeline_tag, model=repository.full_name)
    return Panel("welcome/examples_panel.html", {"examples": found}) if found else None


urlpatterns = [
    path("guides", guides, name="guides"),
    path("guides/<slug:name>", guide, name="guide"),
    path("examples", examples, name="examples"),
]
