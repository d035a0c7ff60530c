"""All addresses of the hub's pages; the ones that name anybody come last."""

from django.urls import URLPattern

from llmos.hub.pages import (
    branches,
    changes,
    create,
    edit,
    files,
    gate,
    history,
    home,
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
        lists,
        preferences,
        styleguide,
        tokens,
        create,
        files,
        history,
        edit,
        upload,
        changes,
        branches,
        settings,
        gate,
        repo,
        people,
    )
    for pattern in family.urlpatterns
]
