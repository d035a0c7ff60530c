"""The box on a model's page: try it for what it is made for.

The same form works as a page of its own, `/<namespace>/<name>/try`, and without script.
"""

from collections.abc import AsyncIterator
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from llmos.accounts.access import Viewer
from llmos.hub.additions import Panel
from llmos.hub.addresses import repo_paths
from llmos.hub.door import Opened, opened
from llmos.hub.frame import repo_page
from llmos.kit.config import current
from llmos.kit.errors import Invalid, NotFound, Refusal, Unauthenticated
from llmos.serving.commands import commands_for
from llmos.serving.config import ServingSettings
from llmos.serving.live import Over, Piece, happenings
from llmos.serving.pages.later import events, page_after, refusing_in_kind, waiting, wants_events
from llmos.serving.queries import Servable
from llmos.serving.speaking import is_loading
from llmos.serving.trials import Trial, trial_of
from llmos.serving.trying import LONGEST_TEXT, Tried, Tries, tried
from llmos.store.config import ServerSettings
from llmos.store.markup import render_markdown
from llmos.store.threads import in_thread


class TriesForm(forms.Form):
    text = forms.CharField(required=False, max_length=LONGEST_TEXT, strip=False)
    context = forms.CharField(required=False, max_length=LONGEST_TEXT, strip=False)
    others = forms.CharField(required=False, max_length=LONGEST_TEXT)
    max_tokens = forms.IntegerField(required=False, min_value=1, max_value=4096)
    temperature = forms.FloatField(required=False, min_value=0, max_value=2)
    seed = forms.IntegerField(required=False, min_value=0, max_value=2**32 - 1)

    def tries(self) -> Tries:
        """Raises Invalid."""
        if self.is_valid():
            return Tries(**{k: v for k, v in self.cleaned_data.items() if v not in {None, ""}})
        name, problems = next(iter(self.errors.items()))
        raise Invalid(f"{name}: {problems[0]}")


def panel(request: HttpRequest, at: Opened) -> Panel | None:
    """For models whose files the viewer may read; says why when none of our engines runs it."""
    if at.repository.type != "model" or not at.rights.read or not current(ServingSettings).enabled:
        return None
    trial = trial_of(at.repository, at.sha)
    if trial is None:
        return None
    return Panel("serving/panel.html", _box(request, at, trial, Tries()))


@require_http_methods(["GET", "HEAD", "POST"])
@refusing_in_kind
def try_it(request: HttpRequest, type_: str, ns: str, name: str) -> HttpResponseBase:
    at = opened(request, type_, ns, name)
    trial = trial_of(at.repository, at.sha) if type_ == "model" else None
    if trial is None or not current(ServingSettings).enabled:
        raise NotFound(_("There is no model here to try"))
    if request.method != "POST":
        return _page(request, at, trial, Tries(text=request.GET.get("text", "")[:LONGEST_TEXT]))
    if not may_use(at.viewer):
        raise Unauthenticated(_("Sign in to try models"))
    model = trial.model
    if model is None:
        raise Invalid(trial.reason)
    tries = TriesForm(request.POST).tries()
    who = _who(request, at.viewer)
    if wants_events(request):
        return events(_events(request, at, trial, model, tries, who))

    async def work() -> Tried | Refusal:
        try:
            return await tried(who, model, tries, chat=trial.is_chat, say=lambda _piece: None)
        except Refusal as refusal:
            return refusal

    return page_after(work(), lambda result: _page(request, at, trial, tries, result))


def may_use(viewer: Viewer) -> bool:
    return not viewer.is_anonymous or current(ServingSettings).anonymous


async def _events(
    request: HttpRequest, at: Opened, trial: Trial, model: Servable, tries: Tries, who: str
) -> AsyncIterator[dict[str, Any]]:
    result: Tried | Refusal | None = None
    try:
        async for happening in happenings(
            lambda say: tried(who, model, tries, chat=trial.is_chat, say=say),
            is_loading=lambda: is_loading(model),
        ):
            if isinstance(happening, Over):
                result = happening.result
            elif isinstance(happening, Piece):
                yield {"event": "piece", "text": happening.text}
            else:
                yield waiting(happening)
    except Refusal as refusal:
        result = refusal
    html = await in_thread(_result_html, request, _box(request, at, trial, tries, result))
    yield {"event": "over", "html": html}


def _page(
    request: HttpRequest,
    at: Opened,
    trial: Trial,
    tries: Tries,
    result: Tried | Refusal | None = None,
) -> HttpResponse:
    box = _box(request, at, trial, tries, result)
    response = repo_page(request, at, "serving/try.html", "card", panel=box)
    if isinstance(result, Refusal):
        response.status_code = result.status
    return response


def _box(
    request: HttpRequest,
    at: Opened,
    trial: Trial,
    tries: Tries,
    result: Tried | Refusal | None = None,
) -> dict[str, Any]:
    """What `serving/box.html` shows."""
    name = at.repository.full_name
    endpoint = current(ServerSettings).public_url.rstrip("/")
    endpoint = endpoint or f"{request.scheme}://{request.get_host()}"
    found = result if isinstance(result, Tried) else None
    return {
        "trial": trial,
        "tries": tries,
        "address": f"{at.url}/try",
        "model_name": name,
        "size": at.repository.used_storage,
        "may_use": may_use(at.viewer),
        "result": found,
        "refusal": result.message if isinstance(result, Refusal) else "",
        "answer_html": render_markdown(found.text) if found and trial.is_chat else "",
        "commands": commands_for(endpoint, name, trial.task, tries, chat=trial.is_chat)
        if found
        else [],
    }


def _result_html(request: HttpRequest, box: dict[str, Any]) -> str:
    return render_to_string("serving/result.html", {"panel": box}, request=request, using="pages")


def _who(request: HttpRequest, viewer: Viewer) -> str:
    if viewer.user_id is not None:
        return f"member {viewer.user_id}"
    return f"address {request.META.get('REMOTE_ADDR', '')}"


urlpatterns = repo_paths("/try", try_it, "try")
