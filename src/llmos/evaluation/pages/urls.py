"""All addresses of evaluation's pages; the ones that name anybody come last."""

from django.urls import URLPattern

from llmos.evaluation.pages import asking, boards, defining, results

urlpatterns: list[URLPattern] = [
    *defining.urlpatterns,
    *asking.urlpatterns,
    *results.urlpatterns,
    *boards.urlpatterns,
]
