"""Chat: conversations of one member with the models that run here.

Every deed is a form. With script the answer streams as events; without, the reply is the page
with the whole answer. The same form sent twice writes one answer.
"""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from markupsafe import Markup

from llmos.accounts.access import Viewer
from llmos.hub.door import signed_in
from llmos.kit.errors import Invalid
from llmos.serving import actions
from llmos.serving.access import conversation_for, turn_of
from llmos.serving.actions import LONGEST_TITLE, Wish
from llmos.serving.answering import written
from llmos.serving.branches import Step, path_through
from llmos.serving.choices import chat_models
from llmos.serving.exports import as_markdown, as_object
from llmos.serving.live import Piece
from llmos.serving.models import Conversation, Turn
from llmos.serving.pages.later import events, page_after, refusing_in_kind, waiting, wants_events
from llmos.serving.pages.wishes import DEFAULTS, WishForm
from llmos.store.markup import render_markdown
from llmos.store.threads import in_thread

LISTED = 30


@dataclass(frozen=True, slots=True)
class Seen:
    """A step of a conversation, ready to be shown."""

    step: Step
    html: Markup

    @property
    def turn(self) -> Turn:
        return self.step.turn


@require_http_methods(["GET", "HEAD", "POST"])
@refusing_in_kind
def begin(request: HttpRequest) -> HttpResponseBase:
    """A conversation that has not begun; sending its first message makes it one."""
    viewer = signed_in(request)
    if request.method == "POST":
        form = WishForm(request.POST)
        try:
            turn = actions.start_conversation(
                user_id=_user_id(viewer),
                text=request.POST.get("text", ""),
                wish=form.checked(),
                key=request.POST.get("key", ""),
            )
        except Invalid as refusal:
            return _again(request, viewer, None, form, refusal)
        return _answered(request, viewer, turn)
    return _page(request, viewer, None)


@require_http_methods(["GET", "HEAD", "POST"])
@refusing_in_kind
def conversation(request: HttpRequest, number: str) -> HttpResponseBase:
    viewer = signed_in(request)
    found = conversation_for(viewer, number)
    if request.method == "POST":
        form = WishForm(request.POST)
        try:
            turn = _deed(request, found, form.checked())
        except Invalid as refusal:
            return _again(request, viewer, found, form, refusal)
        return _answered(request, viewer, turn)
    return _page(request, viewer, found, turn=_number(request.GET.get("turn", "")))


@require_GET
def turn(request: HttpRequest, number: str, turn_number: int) -> HttpResponse:
    """One turn alone: for a script that waits for the end of an answer."""
    found = conversation_for(signed_in(request), number)
    asked = turn_of(found, turn_number)
    response = HttpResponse(_turns_html(request, found, [asked.pk]))
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
def rename(request: HttpRequest, number: str) -> HttpResponse:
    found = conversation_for(signed_in(request), number)
    actions.rename(conversation=found, title=request.POST.get("title", ""))
    return HttpResponseRedirect(found.url)


@require_POST
def delete(request: HttpRequest, number: str) -> HttpResponse:
    found = conversation_for(signed_in(request), number)
    actions.delete(found)
    messages.success(request, _("The conversation “%(title)s” is deleted") % {"title": found.title})
    return HttpResponseRedirect("/chat")


@require_GET
def export(request: HttpRequest, number: str, form: str) -> HttpResponse:
    """All turns as JSON, or the path that is shown as Markdown."""
    found = conversation_for(signed_in(request), number)
    if form == "json":
        body = orjson.dumps(as_object(found), option=orjson.OPT_INDENT_2)
        response = HttpResponse(body, content_type="application/json")
    elif form == "md":
        steps = path_through(found.turns.all(), _number(request.GET.get("turn", "")))
        response = HttpResponse(as_markdown(found, steps), content_type="text/markdown")
    else:
        raise Invalid(_("A conversation is exported as json or md"))
    response.headers["Content-Disposition"] = f'attachment; filename="chat-{found.pk}.{form}"'
    return response


def _deed(request: HttpRequest, found: Conversation, wish: Wish) -> Turn:
    """What the form says to do: `say`, `edit:<turn>` or `again:<turn>`."""
    told, key = request.POST, request.POST.get("key", "")
    deed, _colon, number = told.get("deed", "say").partition(":")
    if deed == "again":
        answer = turn_of(found, _number(number), role=Turn.Role.ASSISTANT)
        assert answer.parent is not None
        return actions.answer_again(conversation=found, message=answer.parent, wish=wish, key=key)
    if deed == "edit":
        before = turn_of(found, _number(number), role=Turn.Role.USER)
        text, parent = told.get(f"edit-{number}", ""), before.parent
    else:
        last = _number(told.get("parent", ""))
        text = told.get("text", "")
        parent = turn_of(found, last, role=Turn.Role.ASSISTANT) if last else None
    return actions.say(conversation=found, parent=parent, text=text, wish=wish, key=key)


def _answered(request: HttpRequest, viewer: Viewer, answer: Turn) -> HttpResponseBase:
    """Write the answer, unless the same request came before and somebody does already."""
    if not actions.take_up(answer):
        return HttpResponseRedirect(f"{answer.conversation.url}?turn={answer.pk}")
    if wants_events(request):
        return events(_events(request, viewer, answer))

    async def work() -> None:
        async for _happening in written(viewer, answer):
            pass

    return page_after(
        work(), lambda _none: _page(request, viewer, answer.conversation, turn=answer.pk)
    )


async def _events(
    request: HttpRequest, viewer: Viewer, answer: Turn
) -> AsyncIterator[dict[str, Any]]:
    yield await in_thread(_opening, request, viewer, answer)
    async for happening in written(viewer, answer):
        if isinstance(happening, Piece):
            yield {"event": "piece", "text": happening.text}
        else:
            yield waiting(happening)
    html = await in_thread(_turns_html, request, answer.conversation, [answer.pk])
    yield {"event": "over", "html": html}


def _opening(request: HttpRequest, viewer: Viewer, answer: Turn) -> dict[str, Any]:
    """The new turns, and behind which they stand; what comes after it belongs to another way."""
    again = request.POST.get("deed", "").startswith("again")
    message = answer.parent
    assert message is not None
    new = [answer.pk] if again else [message.pk, answer.pk]
    listed = {"conversations": _listed(viewer), "here": answer.conversation.pk}
    return {
        "event": "turns",
        "address": answer.conversation.url,
        "answer": answer.pk,
        "after": message.pk if again else message.parent_id,
        "html": _turns_html(request, answer.conversation, new),
        "list": _part(request, "serving/list.html", listed),
        "head": _part(request, "serving/head.html", _head(answer.conversation, answer)),
    }


def _page(
    request: HttpRequest,
    viewer: Viewer,
    found: Conversation | None,
    *,
    turn: int | None = None,
    form: WishForm | None = None,
    **context: Any,
) -> HttpResponse:
    steps = path_through(found.turns.all(), turn) if found else []
    asked = request.GET.get("model", "")[:250] if request.method == "GET" else ""
    model = asked or (found.model if found else _last_model(viewer))
    models = chat_models(viewer, besides=model)
    if form is None:
        sampling = {**DEFAULTS, **(found.sampling if found else {})}
        system = found.system if found else ""
        form = WishForm(
            initial={"model": model or (models[0] if models else ""), "system": system, **sampling}
        )
    response = render(
        request,
        "serving/chat.html",
        {
            **_head(found, steps[-1].turn if steps else None),
            "here": found.pk if found else "",
            "seen": [_seen(step) for step in steps],
            "form": form,
            "models": models,
            "conversations": _listed(viewer, request.GET.get("older", "")),
            "listed_most": LISTED,
            "key": secrets.token_hex(16),
            "viewer": viewer,
            "problem": "",
            "text": "",
            **context,
        },
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _again(
    request: HttpRequest,
    viewer: Viewer,
    found: Conversation | None,
    form: WishForm,
    refusal: Invalid,
) -> HttpResponse:
    """The page with what was typed, and what is wrong with it."""
    if wants_events(request):
        raise refusal
    response = _page(
        request,
        viewer,
        found,
        turn=_number(request.POST.get("parent", "")),
        form=form,
        problem=refusal.message,
        text=request.POST.get("text", ""),
    )
    response.status_code = refusal.status
    return response


def _seen(step: Step) -> Seen:
    # Answers are Markdown by custom; what a member typed is shown as typed.
    is_answer = step.turn.role == Turn.Role.ASSISTANT
    return Seen(step, render_markdown(step.turn.text) if is_answer else Markup(""))


def _turns_html(request: HttpRequest, found: Conversation, numbers: list[int]) -> str:
    seen = [
        _seen(step)
        for step in path_through(found.turns.all(), numbers[-1])
        if step.turn.pk in numbers
    ]
    return _part(request, "serving/turns.html", {"seen": seen, "conversation": found})


def _head(found: Conversation | None, last: Turn | None) -> dict[str, Any]:
    return {"conversation": found, "last": last, "longest_title": LONGEST_TITLE}


def _part(request: HttpRequest, template: str, context: dict[str, Any]) -> str:
    return render_to_string(template, context, request=request, using="pages")


def _listed(viewer: Viewer, older: str = "") -> list[Conversation]:
    """The newest conversations, or those before one of them."""
    own = Conversation.objects.filter(user_id=_user_id(viewer)).order_by("-updated_at", "-pk")
    before = own.filter(pk=older).first() if older else None
    if before is not None:
        own = own.filter(updated_at__lt=before.updated_at)
    return list(own[:LISTED])


def _last_model(viewer: Viewer) -> str:
    newest = _listed(viewer)[:1]
    return newest[0].model if newest else ""


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _user_id(viewer: Viewer) -> int:
    assert viewer.user_id is not None
    return viewer.user_id


urlpatterns = [
    path("chat", begin, name="chat"),
    path("chat/<str:number>", conversation, name="conversation"),
    path("chat/<str:number>/turns/<int:turn_number>", turn),
    path("chat/<str:number>/rename", rename),
    path("chat/<str:number>/delete", delete),
    path("chat/<str:number>/export.<str:form>", export),
]
