"""Addresses of pages; machine endpoints are listed in `machines.py`."""

from django.urls import URLPattern, URLResolver, include, path

from llmos.accounts import pages as accounts
from llmos.hub.pages.urls import urlpatterns as hub_pages

urlpatterns: list[URLPattern | URLResolver] = [
    *accounts.urlpatterns,
    path("accounts/", include("allauth.urls")),
    *hub_pages,  # last: among them are `/<anybody>` and `/<anybody>/<anything>`
]
