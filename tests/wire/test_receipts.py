"""Receipts: only what was signed, by whom it was signed, whole; as other tools read them, too."""

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.signer import Key

from llmos.wire.receipts import (
    PAYLOAD_TYPE,
    BadReceipt,
    canonical,
    check_samples,
    key_id,
    merkle_root,
    pre_authentication_encoding,
    read_unverified,
    sign,
    statement,
    verify,
)

OURS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
THEIRS = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = OURS.public_key().public_bytes_raw()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def receipt(**predicate: Any) -> bytes:
    subject = {"name": "ada/m", "digest": {"gitCommit": "1" * 40}}
    return sign(statement([subject], {"bleu": 31.8, **predicate}), OURS)


# Of the protocol's own page: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
def test_what_is_signed_is_spelled_as_the_protocol_says() -> None:
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")

    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@given(st.text(), st.binary(), st.text(), st.binary())
def test_no_two_things_are_signed_alike(a: str, b: bytes, c: str, d: bytes) -> None:
    same = pre_authentication_encoding(a, b) == pre_authentication_encoding(c, d)

    assert same == ((a, b) == (c, d))


@given(json_values)
def test_equal_values_have_equal_bytes(value: Any) -> None:
    assert canonical(value) == canonical(json.loads(canonical(value)))
    assert canonical({"b": value, "a": 1}) == canonical({"a": 1, "b": value})


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_what_was_signed_is_read_back(predicate: dict[str, Any]) -> None:
    verified = verify(sign(statement([], predicate), OURS), [PUBLIC])

    assert verified.statement["predicate"] == predicate
    assert verified.keyid == key_id(PUBLIC)


@given(st.data())
def test_no_byte_of_what_was_signed_can_be_changed(data: st.DataObject) -> None:
    envelope = json.loads(receipt())
    part = data.draw(st.sampled_from(["payload", "sig"]))
    holder = envelope if part == "payload" else envelope["signatures"][0]
    content = bytearray(base64.b64decode(holder[part]))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    holder[part] = base64.b64encode(content).decode()

    with pytest.raises(BadReceipt):
        verify(json.dumps(envelope).encode(), [PUBLIC])


@given(st.binary(max_size=300) | json_values.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_receipt_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(BadReceipt):
        verify(content, [PUBLIC])


def test_a_receipt_that_nests_without_end_is_refused_in_words() -> None:
    deep = b"[" * 200_000
    wrapped = {"payloadType": PAYLOAD_TYPE, "payload": base64.b64encode(deep).decode()}
    wrapped["signatures"] = [{"sig": ""}]  # type: ignore[assignment]

    for content in (deep, json.dumps(wrapped).encode()):
        with pytest.raises(BadReceipt):
            read_unverified(content)


def test_a_key_that_did_not_sign_verifies_nothing() -> None:
    theirs = THEIRS.public_key().public_bytes_raw()

    with pytest.raises(BadReceipt, match="No known key"):
        verify(receipt(), [theirs])
    assert verify(receipt(), [theirs, PUBLIC]).keyid == key_id(PUBLIC)


def test_a_signature_that_names_another_key_than_its_own_is_refused() -> None:
    envelope = json.loads(receipt())
    envelope["signatures"][0]["keyid"] = "0" * 64

    with pytest.raises(BadReceipt, match="another key"):
        verify(json.dumps(envelope).encode(), [PUBLIC])


def test_a_statement_of_another_kind_is_no_receipt_however_well_signed() -> None:
    with pytest.raises(BadReceipt, match="another kind"):
        verify(sign({**statement([], {}), "predicateType": "x"}, OURS), [PUBLIC])
    with pytest.raises(BadReceipt, match="no in-toto statement"):
        verify(sign({"anything": 1}, OURS), [PUBLIC])


def test_a_public_tool_verifies_our_receipts() -> None:
    described = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": PUBLIC.hex()}}
    key = Key.from_dict(key_id(PUBLIC), described)
    envelope = Envelope.from_dict(json.loads(receipt()))

    assert set(envelope.verify([key], 1)) == {key_id(PUBLIC)}
    assert json.loads(envelope.payload)["predicate"]["bleu"] == 31.8


# The leaves and roots by which Certificate Transparency logs test their trees.
LEAVES = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("count", range(9))
def test_roots_are_those_of_known_trees(count: int) -> None:
    assert merkle_root(LEAVES[:count]) == ROOTS[count]


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    both = by_definition(leaves[:k]) + by_definition(leaves[k:])
    return hashlib.sha256(b"\x01" + both).digest()


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_roots_are_as_the_rfc_defines_them(leaves: list[bytes]) -> None:
    assert merkle_root(leaves) == by_definition(leaves).hex()


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=20), st.data())
def test_no_sample_can_be_changed_moved_or_left_out(
    leaves: list[bytes], data: st.DataObject
) -> None:
    other = data.draw(
        st.permutations(leaves)
        | st.just(leaves[:-1])
        | st.just([*leaves, b""])
        | st.just([b"x" + leaves[0], *leaves[1:]])
    )
    assert (merkle_root(other) == merkle_root(leaves)) == (other == leaves)


def signed_for(samples: bytes, **said: Any) -> dict[str, Any]:
    lines = samples.split(b"\n")[:-1]
    facts = {"count": len(lines), "merkle_root": merkle_root(lines), **said}
    return verify(receipt(samples=facts), [PUBLIC]).statement


@pytest.mark.parametrize("samples", [b"", b'{"i":0}\n', b'{"i":0}\n{"i":1}\n'])
def test_the_samples_that_were_signed_pass(samples: bytes) -> None:
    check_samples(signed_for(samples), samples)


@pytest.mark.parametrize(
    "samples",
    [b'{"i":1}\n{"i":0}\n', b'{"i":0}\n', b'{"i":0}\n{"i":1}', b'{"i":0}\r{"i":1}\n', b""],
)
def test_other_samples_are_refused(samples: bytes) -> None:
    with pytest.raises(BadReceipt):
        check_samples(signed_for(b'{"i":0}\n{"i":1}\n'), samples)


def test_a_receipt_without_samples_vouches_for_none() -> None:
    with pytest.raises(BadReceipt, match="no samples"):
        check_samples(verify(receipt(), [PUBLIC]).statement, b"")
