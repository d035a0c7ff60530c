"""All addresses of the hub's pages; the ones that name anybody come last."""

from django.urls import URLPattern

from llmos.hub.pages import (
    branches,
    create,
    edit,
    files,
    gate,
    history,
    home,
    legal,
    lists,
    people,
    preferences,
    repo,
    settings,
    styleguide,
    tokens,
    upload,
)

urlpatterns: list[URLPattern] = [
    pattern
    for family in (
        home,
        legal,
        lists,
        preferences,
        styleguide,
        tokens,
        create,
        files,
        history,
        edit,
        upload,
        branches,
        settings,
        gate,
        repo,
        people,
    )
    for pattern in family.urlpatterns
]
