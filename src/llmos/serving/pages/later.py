"""Replies that are ready later: a page once some work on the event loop is done, or events.

A view runs in a thread and must not wait for an engine there. It hands the work over as an async
iterator, which the bridge consumes on the event loop and cancels when the client goes.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import get_language

from llmos.kit.errors import Refusal
from llmos.serving.live import Waiting
from llmos.store.threads import in_thread, page_language

T = TypeVar("T")
View = Callable[..., HttpResponseBase]

EVENTS = "application/x-ndjson"


def wants_events(request: HttpRequest) -> bool:
    """Whether the page's script asks; without script the same form wants a page."""
    return EVENTS in request.headers.get("Accept", "")


def refusing_in_kind(view: View) -> View:
    """A script that is refused gets the words alone, not a page around them."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Refusal as refusal:
            if not wants_events(request):
                raise
            return JsonResponse({"error": refusal.message}, status=refusal.status)

    return door


def page_after(work: Awaitable[T], page: Callable[[T], HttpResponse]) -> StreamingHttpResponse:
    """The page that `page` makes, in a thread, of what `work` gave."""
    language = get_language() or ""

    async def body() -> AsyncIterator[bytes]:
        page_language.set(language)
        result = await work
        yield (await in_thread(page, result)).content

    return _unkept(StreamingHttpResponse(body()))


def events(happenings: AsyncIterator[dict[str, Any]]) -> StreamingHttpResponse:
    """One JSON object a line, each sent as soon as it is there."""
    language = get_language() or ""

    async def body() -> AsyncIterator[bytes]:
        page_language.set(language)
        async for happening in happenings:
            yield orjson.dumps(happening) + b"\n"

    return _unkept(StreamingHttpResponse(body(), content_type=EVENTS))


def waiting(happening: Waiting) -> dict[str, Any]:
    """The event of having to wait, as scripts read it.

    A script that hears nothing for long takes the connection for lost.
    """
    if happening.has_begun:
        return {"event": "alive"}
    seconds, is_loading = round(happening.seconds), happening.is_loading
    return {"event": "waiting", "seconds": seconds, "loading": is_loading}


def _unkept(response: StreamingHttpResponse) -> StreamingHttpResponse:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response
