"""Addresses of pages; machine endpoints are listed in `machines.py`."""

from django.urls import URLPattern, URLResolver, include, path

from llmos.accounts import pages as accounts

urlpatterns: list[URLPattern | URLResolver] = [
    *accounts.urlpatterns,
    path("accounts/", include("allauth.urls")),
]
