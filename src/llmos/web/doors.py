"""The page door: turns refusals raised by views into pages, and sets the security headers."""

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from llmos.accounts.config import AccountsSettings
from llmos.kit.config import current
from llmos.kit.errors import Refusal, Unauthenticated

Next = Callable[[HttpRequest], HttpResponse]


class FormsOnly(Refusal):
    """An address that takes forms and has nothing to show."""

    status = 405
    code = "MethodNotAllowed"


class PageDoor:
    """Middleware nearest to the views."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        nonce = secrets.token_urlsafe(16)
        request.csp_nonce = nonce  # type: ignore[attr-defined]  # read by the templates
        response = self.get_response(request)
        if response.status_code == 405 and not response.content:
            response = _told(request, response)
        response.headers.setdefault("Content-Security-Policy", content_security_policy(nonce))
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), microphone=(), geolocation=()"
        )
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Refusal):
            return None
        location = error.headers.get("Location")
        if location:
            return HttpResponseRedirect(location)
        if isinstance(error, Unauthenticated) and request.method == "GET":
            return HttpResponseRedirect(f"/accounts/login/?next={quote(request.get_full_path())}")
        context: dict[str, Any] = {"refusal": error}
        return render(request, "errors/refusal.html", context, status=error.status)


def _told(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer to an address that takes forms only, as a page instead of nothing."""
    refusal = FormsOnly(_("This address takes forms; it has no page to look at"))
    page = render(request, "errors/refusal.html", {"refusal": refusal}, status=405)
    page.headers["Allow"] = response.headers.get("Allow", "")
    return page


def content_security_policy(nonce: str) -> str:
    """Nothing from other hosts; scripts only from our files or with this page's nonce."""
    # Signing in elsewhere begins with a form of ours that redirects to the provider, and
    # browsers hold such redirects against form-action too.
    forms = "'self' https:" if current(AccountsSettings).providers else "'self'"
    return (
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; "
        "object-src 'none'; frame-ancestors 'none'; base-uri 'self'; "
        f"form-action {forms}"
    )
