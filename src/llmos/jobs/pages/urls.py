"""All addresses of the pages of jobs; the ones that name anybody come last."""

from django.urls import URLPattern

from llmos.jobs.pages import compare, lists, run, steer

urlpatterns: list[URLPattern] = [
    pattern for family in (lists, compare, steer, run) for pattern in family.urlpatterns
]
