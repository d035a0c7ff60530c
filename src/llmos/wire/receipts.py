"""Receipts: a result that anybody can check, as an in-toto statement in a DSSE envelope.

Pure functions: bytes in, values out. What a receipt says stands in docs/reference/receipts.md.
DSSE: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
in-toto Statement v1: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
RECEIPT_TYPE = "tag:llmos,2026:receipt/v1"
SAMPLES = "samples.jsonl"
# What reading a stranger's bytes may raise; deep nesting ends in RecursionError.
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class BadReceipt(ValueError):
    """What is wrong with a receipt, in words."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A statement whose signature holds, and whose key made it."""

    statement: dict[str, Any]
    keyid: str


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What is signed: both parts with their lengths, so that neither can pass for the other."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def key_id(public: bytes) -> str:
    """SHA-256 of the 32 bytes of a public key, in hex."""
    return hashlib.sha256(public).hexdigest()


def statement(
    subjects: Sequence[Mapping[str, Any]], predicate: Mapping[str, Any]
) -> dict[str, Any]:
    """`subjects` are names with digests: the model, the samples."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": list(subjects),
        "predicateType": RECEIPT_TYPE,
        "predicate": dict(predicate),
    }


def sign(content: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The envelope, as the bytes to keep."""
    payload = canonical(content)
    signature = key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    public = key.public_key().public_bytes_raw()
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {"keyid": key_id(public), "sig": base64.b64encode(signature).decode()},
        ],
    }
    return json.dumps(envelope, indent=1).encode() + b"\n"


def verify(envelope: bytes, keys: Iterable[bytes]) -> Verified:
    """Check the signature with any of the public keys (32 bytes each). Raises BadReceipt."""
    payload, signatures = _opened(envelope)
    known = {key_id(key): key for key in keys}
    signed = pre_authentication_encoding(PAYLOAD_TYPE, payload)
    for keyid, signature in signatures:
        # The keyid is a hint that nobody signed: every key is tried.
        for known_id, key in known.items():
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
            except InvalidSignature:
                continue
            if keyid not in {"", known_id}:
                raise BadReceipt("The signature holds, but names another key than its own")
            return Verified(_statement_of(payload), known_id)
    names = ", ".join(keyid[:16] or "?" for keyid, _ in signatures)
    raise BadReceipt(f"No known key made this signature (it names {names})")


def read_unverified(envelope: bytes) -> dict[str, Any]:
    """What a receipt claims, with nothing checked. Raises BadReceipt."""
    return _statement_of(_opened(envelope)[0])


def merkle_root(leaves: Iterable[bytes]) -> str:
    """The root over samples, in hex (RFC 9162, section 2.1.1: leaves and nodes hash apart)."""
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    return _root(level).hex()


def check_samples(content: Mapping[str, Any], samples: bytes) -> None:
    """Compare the per-sample outputs (JSON lines) with what was signed. Raises BadReceipt."""
    try:
        said = content["predicate"]["samples"]
        count, root = said["count"], said["merkle_root"]
    except (KeyError, TypeError):
        raise BadReceipt("The receipt names no samples") from None
    # Not splitlines: that would take a carriage return for the end of a line, too.
    lines = samples.split(b"\n")
    if lines.pop() != b"":
        raise BadReceipt("The last sample is cut off: its line has no end")
    if len(lines) != count:
        raise BadReceipt(f"There are {len(lines)} samples, the receipt speaks of {count}")
    if merkle_root(lines) != root:
        raise BadReceipt("The samples are not those that were signed: their Merkle roots differ")


def _root(level: list[bytes]) -> bytes:
    """RFC 9162 splits at the largest power of two below the number of leaves."""
    if len(level) == 1:
        return level[0]
    split = 1 << (len(level) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + _root(level[:split]) + _root(level[split:])).digest()


def _opened(envelope: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    try:
        found = json.loads(envelope)
        if found["payloadType"] != PAYLOAD_TYPE:
            raise BadReceipt(f"The payload is of type {found['payloadType']!r}")
        payload = base64.b64decode(found["payload"], validate=True)
        signatures = [
            (str(one.get("keyid", "")), base64.b64decode(one["sig"], validate=True))
            for one in found["signatures"]
        ]
    except BadReceipt:
        raise
    except _MALFORMED as error:
        raise BadReceipt(f"This is no receipt: {type(error).__name__}: {error}") from error
    if not signatures:
        raise BadReceipt("Nobody has signed this")
    return payload, signatures


def _statement_of(payload: bytes) -> dict[str, Any]:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadReceipt("What was signed is no JSON") from error
    if not isinstance(found, dict) or found.get("_type") != STATEMENT_TYPE:
        raise BadReceipt("What was signed is no in-toto statement")
    if found.get("predicateType") != RECEIPT_TYPE:
        raise BadReceipt(f"The statement is of another kind: {found.get('predicateType')!r}")
    return found
