"""Reading the composer's form, and showing it again when something is refused."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from llmos.kit.errors import Invalid, Refusal


@dataclass(frozen=True, slots=True)
class Again:
    """The form as it is shown once more: its words are not lost."""

    form: str
    action: str
    heading: str
    button: str


def compose_page(
    request: HttpRequest,
    again: Again,
    *,
    values: dict[str, Any],
    refusal: Refusal | None = None,
    preview: Any = None,
    back: str = "/",
    **context: Any,
) -> HttpResponse:
    """A page with nothing but the composer: for previews and refusals without script."""
    return render(
        request,
        "threads/compose.html",
        {
            "again": again,
            "values": values,
            "refusal": refusal,
            "preview": preview,
            "back": back,
            **context,
        },
        status=refusal.status if refusal else 200,
    )


def posted(request: HttpRequest) -> dict[str, Any]:
    """The composer's fields of a form that was sent."""
    names = ("text", "title", "tags", "language", "reply_to", "key", "note", "seen_edits")
    return {name: request.POST[name] for name in names if name in request.POST}


def number_in(request: HttpRequest, name: str) -> int | None:
    """A whole number of a form, or None where it is missing. Raises Invalid."""
    value = request.POST.get(name, "")
    if not value:
        return None
    if not value.isdecimal() or len(value) > 18:
        raise Invalid(_("The form was not complete"))
    return int(value)


def path_within(address: str, fallback: str = "/") -> str:
    """An address on this hub that a form may go back to."""
    parts = urlsplit(address)
    if not address.startswith("/") or address.startswith(("//", "/\\")) or parts.netloc:
        return fallback
    return address
