"""All addresses of the pages of models in use."""

from django.urls import URLPattern

from llmos.serving.pages import chat, engines, playground

urlpatterns: list[URLPattern] = [
    *chat.urlpatterns,
    *engines.urlpatterns,
    *playground.urlpatterns,
]
