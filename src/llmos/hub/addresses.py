"""Addresses of repository pages: the clients' own, once for each kind of repository."""

from collections.abc import Callable
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from llmos.hub.kinds import KINDS

View = Callable[..., HttpResponseBase]


def repo_paths(suffix: str, view: View, name: str, **extra: Any) -> list[URLPattern]:
    """`/ns/name<suffix>` for models and `/datasets/ns/name<suffix>`, … for the others.

    The kinds with a prefix come first, else `datasets` would be taken for somebody's name.
    """
    kinds = sorted(KINDS.values(), key=lambda kind: not kind.prefix)
    return [
        path(
            f"{kind.prefix}<str:ns>/<str:name>{suffix}",
            view,
            {"type_": kind.name, **extra},
            name=f"{kind.name}-{name}",
        )
        for kind in kinds
    ]
