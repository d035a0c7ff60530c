"""How machine routes name a repository: `/api/models/ns/name/…` and `/datasets/ns/name/…`."""

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request

from llmos.accounts.access import Viewer
from llmos.hub.access import Wants, repo_for
from llmos.hub.kinds import BY_PLURAL, KINDS, Kind
from llmos.hub.models import Repository

_BY_PREFIX = {kind.prefix: kind for kind in KINDS.values()}


class _Plural(Convertor[Kind]):
    regex = "|".join(BY_PLURAL)

    def convert(self, value: str) -> Kind:
        return BY_PLURAL[value]

    def to_string(self, value: Kind) -> str:
        return value.plural


class _Prefix(Convertor[Kind]):
    regex = "(?:" + "|".join(prefix for prefix in _BY_PREFIX if prefix) + ")?"

    def convert(self, value: str) -> Kind:
        return _BY_PREFIX[value]

    def to_string(self, value: Kind) -> str:
        return value.prefix


register_url_convertor("plural", _Plural())
register_url_convertor("prefix", _Prefix())

API = "/api/{kind:plural}/{ns:seg}/{name:seg}"
PAGE = "/{kind:prefix}{ns:seg}/{name:seg}"


def repository_of(request: Request, viewer: Viewer, *, wants: Wants) -> Repository:
    """The repository that the address names; raises what `repo_for` raises."""
    kind: Kind = request.path_params["kind"]
    name = f"{request.path_params['ns']}/{request.path_params['name']}"
    return repo_for(viewer, kind, name, wants=wants)
