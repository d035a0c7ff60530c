"""The Jinja2 environment of our own pages."""

from typing import Any

from django.http import HttpRequest
from jinja2 import Environment

from llmos.web.static import static_url


def environment(**options: Any) -> Environment:
    built = Environment(**options)
    built.globals["static"] = static_url
    return built


def page_context(request: HttpRequest) -> dict[str, Any]:
    return {"nonce": getattr(request, "csp_nonce", "")}
