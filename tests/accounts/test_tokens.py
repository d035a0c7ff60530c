"""The life of an access token, and whom it makes of a request."""

from base64 import b64encode
from datetime import timedelta

import pytest
from django.db import connection
from starlette.requests import Request

from llmos.accounts.access import ANONYMOUS, InvalidToken, Viewer, viewer_of, viewer_of_token
from llmos.accounts.actions import create_token, revoke_token, set_active
from llmos.accounts.errors import TokenNameTaken
from llmos.accounts.models import Token, User
from llmos.kit.errors import Conflict, Invalid
from llmos.kit.time import now


def request_with(method: str = "GET", **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request(
        {"type": "http", "method": method, "path": "/", "query_string": b"", "headers": raw}
    )


@pytest.mark.parametrize(("role", "can_write"), [("read", False), ("write", True)])
def test_a_token_acts_as_its_member_with_its_role(ada: User, role: str, can_write: bool) -> None:
    token, secret = create_token(user=ada, name="laptop", role=role)
    assert viewer_of_token(secret) == Viewer(
        user_id=ada.pk, name="ada", can_write=can_write, token_id=token.pk
    )


def test_a_scoped_token_says_so(ada: User) -> None:
    _token, secret = create_token(user=ada, name="ci", role="read", scoped=True)
    assert viewer_of_token(secret).scoped_token


def test_only_the_fingerprint_of_a_token_is_kept(ada: User) -> None:
    token, secret = create_token(user=ada, name="laptop", role="read")
    row = Token.objects.filter(pk=token.pk).values().get()
    assert secret not in str(row)
    assert token.tail == secret[-4:]


def test_a_token_may_be_brought_from_another_hub_once(ada: User, bob: User) -> None:
    secret = "hf_" + "a" * 34
    create_token(user=ada, name="old", role="write", value=secret)
    assert viewer_of_token(secret).name == "ada"
    with pytest.raises(Conflict):
        create_token(user=bob, name="old", role="write", value=secret)


def test_token_names_differ_per_member(ada: User, bob: User) -> None:
    create_token(user=ada, name="laptop", role="read")
    create_token(user=bob, name="laptop", role="read")
    with pytest.raises(TokenNameTaken):
        create_token(user=ada, name="laptop", role="write")


@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"role": "admin"}, {"value": "short"}, {"value": "hf_with a space in it"}],
)
def test_a_malformed_token_is_refused(ada: User, wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        create_token(**{"user": ada, "name": "x", "role": "read", **wrong})


def test_a_revoked_token_means_nothing_at_once(ada: User, bob: User) -> None:
    token, secret = create_token(user=ada, name="laptop", role="read")
    revoke_token(user=bob, token_id=token.pk)
    assert viewer_of_token(secret).name == "ada"
    revoke_token(user=ada, token_id=token.pk)
    with pytest.raises(InvalidToken):
        viewer_of_token(secret)


def test_an_expired_token_means_nothing(ada: User) -> None:
    token, secret = create_token(
        user=ada, name="laptop", role="read", expires_at=now() + timedelta(minutes=1)
    )
    assert viewer_of_token(secret).name == "ada"
    Token.objects.filter(pk=token.pk).update(expires_at=now() - timedelta(seconds=1))
    with pytest.raises(InvalidToken):
        viewer_of_token(secret)


def test_a_suspended_members_tokens_mean_nothing(ada: User) -> None:
    _token, secret = create_token(user=ada, name="laptop", role="read")
    set_active(user=ada, active=False)
    with pytest.raises(InvalidToken):
        viewer_of_token(secret)
    set_active(user=ada, active=True)
    assert viewer_of_token(secret).name == "ada"


def test_a_token_costs_one_query(ada: User) -> None:
    _token, secret = create_token(user=ada, name="laptop", role="read")
    viewer_of_token(secret)
    statements: list[str] = []
    connection.ensure_connection()
    connection.connection.set_trace_callback(statements.append)  # the driver sees every one
    try:
        viewer_of_token(secret)
    finally:
        connection.connection.set_trace_callback(None)
    assert len(statements) == 1


def test_last_use_is_written_once_an_hour(ada: User) -> None:
    token, secret = create_token(user=ada, name="laptop", role="read")
    viewer_of_token(secret)
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    viewer_of_token(secret)
    token.refresh_from_db()
    assert token.last_used_at == first


def test_a_token_travels_as_bearer_or_as_basic_password(ada: User) -> None:
    _token, secret = create_token(user=ada, name="laptop", role="read")
    for user_and_password in (f"ada:{secret}", f"x:{secret}", f"{secret}:"):
        basic = b64encode(user_and_password.encode()).decode()
        assert viewer_of(request_with(authorization=f"Basic {basic}")).name == "ada"
    assert viewer_of(request_with(authorization=f"Bearer {secret}")).name == "ada"
    assert viewer_of(request_with(authorization=f"bearer  {secret} ")).name == "ada"


@pytest.mark.parametrize(
    "header", ["Bearer hf_unknown", "Bearer ", "Basic !!!", "Basic ", "Digest x", "hf_unknown"]
)
def test_wrong_credentials_are_an_error_not_an_anonymous_visit(db: None, header: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        viewer_of(request_with(authorization=header))
    assert refused.value.status == 401
    assert refused.value.message == "Invalid credentials in Authorization header"


def test_without_credentials_the_viewer_is_nobody(db: None) -> None:
    assert viewer_of(request_with()) == ANONYMOUS
