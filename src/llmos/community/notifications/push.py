"""Web push: messages to a browser through its maker's push service, readable by it alone.

Encryption is RFC 8291 (by http_ece), who we are is said by VAPID (RFC 8292). A subscription
names the address to call, so only public addresses are called, over https, without redirects.
"""

import base64
import ipaddress
import json
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from django.utils.translation import gettext as _

from llmos.community.notifications.config import PushSettings
from llmos.community.notifications.errors import PushRefused
from llmos.kit.config import current
from llmos.kit.files import sync_folder
from llmos.kit.home import home_from_environment
from llmos.store.config import MailSettings

KEPT_SECONDS = 24 * 3600  # how long a push service keeps a message for a sleeping device
TIMEOUT_SECONDS = 10.0
LONGEST_ENDPOINT = 700
_TOKEN_SECONDS = 12 * 3600
_KEY_FILE = "push.pem"


class Outcome(StrEnum):
    TAKEN = "taken"
    GONE = "gone"  # the browser ended its subscription
    FAILED = "failed"


def is_available() -> bool:
    """Whether the extra `push` is installed."""
    return find_spec("http_ece") is not None


def public_key() -> str:
    """What a browser is given to subscribe with: the hub's key, as 65 bytes in base64url."""
    return _base64(_point(_private_key().public_key()))


def sound_keys(p256dh: str, auth: str) -> bool:
    """Whether these are a browser's: a point on the curve, and 16 bytes."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(p256dh))
        return len(_bytes(auth)) == 16
    except ValueError:
        return False


def check_endpoint(endpoint: str) -> str:
    """The address to connect to. Raises PushRefused unless the hub may call it."""
    try:
        parts = urlsplit(endpoint)
    except ValueError:
        parts = urlsplit("")
    place = f"{parts.scheme}://{parts.netloc}"
    if len(endpoint) > LONGEST_ENDPOINT or not parts.hostname:
        raise PushRefused(_("This is not the address of a push service"))
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise PushRefused(
            _("The push service %(host)s cannot be found") % {"host": parts.hostname}
        ) from error
    addresses = [str(one[4][0]) for one in found]
    if place in current(PushSettings).inner_services:
        return addresses[0]
    is_public = all(ipaddress.ip_address(one.partition("%")[0]).is_global for one in addresses)
    if parts.scheme != "https" or parts.username or not is_public:
        raise PushRefused(_("Push services are called by https at public addresses only"))
    return addresses[0]


def send(*, endpoint: str, p256dh: str, auth: str, message: Mapping[str, Any]) -> Outcome:
    """Hand a message to the push service once; there is no second try."""
    import httpx

    try:
        address = check_endpoint(endpoint)
    except PushRefused:
        return Outcome.FAILED
    parts = urlsplit(endpoint)
    host = f"[{address}]" if ":" in address else address
    # Connected to the address that was checked, so that a second look-up cannot lead elsewhere.
    url = httpx.URL(endpoint).copy_with(host=host)
    headers = {
        "Host": parts.netloc,
        "Content-Encoding": "aes128gcm",
        "TTL": str(KEPT_SECONDS),
        "Urgency": "normal",
        "Authorization": _authorization(f"{parts.scheme}://{parts.netloc}"),
    }
    try:
        with httpx.Client(
            timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
        ) as client:
            answer = client.post(
                url,
                content=_encrypted(json.dumps(message).encode(), p256dh, auth),
                headers=headers,
                extensions={"sni_hostname": parts.hostname},
            )
    except (httpx.HTTPError, ValueError):
        return Outcome.FAILED
    if answer.status_code in {404, 410}:
        return Outcome.GONE
    return Outcome.TAKEN if answer.is_success else Outcome.FAILED


def _encrypted(content: bytes, p256dh: str, auth: str) -> bytes:
    import http_ece

    sealed: bytes = http_ece.encrypt(
        content,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=_bytes(p256dh),
        auth_secret=_bytes(auth),
        version="aes128gcm",
    )
    return sealed


def _authorization(audience: str) -> str:
    """`vapid t=…, k=…`: a JWT of ours for this push service alone."""
    contact = current(PushSettings).contact or f"mailto:{current(MailSettings).sender}"
    claims = {"aud": audience, "exp": int(time.time()) + _TOKEN_SECONDS, "sub": contact}
    head = _base64(b'{"typ":"JWT","alg":"ES256"}')
    body = f"{head}.{_base64(json.dumps(claims).encode())}"
    r, s = decode_dss_signature(_private_key().sign(body.encode(), ec.ECDSA(hashes.SHA256())))
    signature = _base64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={body}.{signature}, k={public_key()}"


@cache
def _private_key() -> ec.EllipticCurvePrivateKey:
    """The hub's push key; made when first needed, and all get the same."""
    path = home_from_environment().keys / _KEY_FILE
    if not path.exists():
        _make_key(path)
    found = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(found, ec.EllipticCurvePrivateKey), path
    return found


def _make_key(path: Path) -> None:
    """Whole or absent, for its owner's eyes alone; the first one stays."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
