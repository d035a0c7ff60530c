"""Theme and language of the pages, kept in cookies so that the first byte is already right."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

YEAR_SECONDS = 365 * 24 * 3600
THEMES = ("auto", "light", "dark")


# Exempt: a forged choice of colours harms nobody, and pages stay free of cookies until asked.
@csrf_exempt
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    next_page = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(next_page, allowed_hosts={request.get_host()}):
        next_page = "/"
    response = HttpResponseRedirect(next_page)
    for field, name, allowed in (
        ("theme", "llmos_theme", THEMES),
        ("language", settings.LANGUAGE_COOKIE_NAME, tuple(dict(settings.LANGUAGES))),
    ):
        value = request.POST.get(field, "")
        if value in allowed:
            response.set_cookie(name, value, max_age=YEAR_SECONDS, samesite="Lax")
    return response


urlpatterns = [path("preferences", choose, name="preferences")]
