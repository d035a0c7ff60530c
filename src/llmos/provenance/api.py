"""Lineage for machines: PROV-JSON of a repository, one activity, and the hub's public keys."""

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import viewer_of
from llmos.hub.routing import API, repository_of
from llmos.kit.errors import Invalid
from llmos.provenance.access import activity_for
from llmos.provenance.graph import DEEPEST, lineage_of
from llmos.provenance.keys import public_keys
from llmos.provenance.prov import prov_json
from llmos.provenance.queries import as_json
from llmos.store.http import base_url, blocking, reply
from llmos.wire.receipts import key_id


@blocking
def show_lineage(request: Request, body: bytes) -> Response:
    """What it was made from (`direction=from`) or used for (`to`), as W3C PROV-JSON."""
    viewer = viewer_of(request)
    repository = repository_of(request, viewer, wants="see")
    direction = request.query_params.get("direction", "from")
    if direction not in {"from", "to"}:
        raise Invalid(f"direction is from or to, not {direction!r}")
    depth = request.query_params.get("depth", str(DEEPEST))
    if not depth.isdecimal() or not 1 <= int(depth) <= DEEPEST:
        raise Invalid(f"depth is a number from 1 to {DEEPEST}, not {depth!r}")
    graph = lineage_of(viewer, repository, direction=direction, depth=int(depth))  # type: ignore[arg-type]
    return reply(prov_json(graph, base_url(request)))


@blocking
def show_activity(request: Request, body: bytes) -> Response:
    """One step with its recipe, software, hardware, cost, files and rebuilds."""
    viewer = viewer_of(request)
    activity = activity_for(viewer, request.path_params["id"])
    return reply(as_json(viewer, activity, base_url(request)))


@blocking
def show_keys(request: Request, body: bytes) -> Response:
    """The public halves of the keys that sign receipts here, the present one first."""
    keys = [_described(key, is_present=not place) for place, key in enumerate(public_keys())]
    return reply({"keys": keys}, headers={"Cache-Control": "public, max-age=300"})


def _described(key: bytes, *, is_present: bool) -> dict[str, object]:
    """As in-toto's and TUF's tools read a key, and once more as OpenSSL does."""
    pem = Ed25519PublicKey.from_public_bytes(key).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "keyid": key_id(key),
        "keytype": "ed25519",
        "scheme": "ed25519",
        "keyval": {"public": key.hex()},
        "base64": base64.b64encode(key).decode(),
        "pem": pem.decode(),
        "state": "present" if is_present else "retired",
    }


routes = [
    Route(API + "/lineage", show_lineage),
    Route("/api/activities/{id:seg}", show_activity),
    Route("/.well-known/llmos-keys.json", show_keys),
]
