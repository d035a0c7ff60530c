"""Addresses of pages; machine endpoints are listed in `machines.py`."""

from django.urls import URLPattern, URLResolver, include, path

from llmos.accounts import pages as accounts
from llmos.hub.pages import tokens

urlpatterns: list[URLPattern | URLResolver] = [
    *accounts.urlpatterns,
    *tokens.urlpatterns,
    path("accounts/", include("allauth.urls")),
]
