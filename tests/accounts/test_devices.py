"""The device flow, from both of its sides."""

from datetime import timedelta

import pytest
from django.test import Client

from llmos.accounts.access import InvalidToken, viewer_of_token
from llmos.accounts.actions import revoke_token, set_active
from llmos.accounts.devices import (
    decide_pairing,
    pending_code,
    renew,
    start_pairing,
    take_grant,
)
from llmos.accounts.errors import SignInRefused
from llmos.accounts.models import DeviceCode, Token, User
from llmos.kit.errors import NotFound
from llmos.kit.time import now


def error_of(refused: pytest.ExceptionInfo[SignInRefused]) -> str:
    return str(refused.value.data["error"])


def test_an_approved_terminal_gets_its_tokens_once(ada: User) -> None:
    pairing = start_pairing(client_id="hf")
    decide_pairing(user=ada, typed=pairing.user_code, approve=True)
    grant = take_grant(device_code=pairing.device_code)
    viewer = viewer_of_token(grant.access_token)
    assert (viewer.name, viewer.can_write) == ("ada", True)
    with pytest.raises(SignInRefused):
        take_grant(device_code=pairing.device_code)


@pytest.mark.django_db
def test_an_undecided_terminal_waits_and_a_hasty_one_is_told_so() -> None:
    pairing = start_pairing(client_id="hf")
    with pytest.raises(SignInRefused) as refused:
        take_grant(device_code=pairing.device_code)
    assert error_of(refused) == "authorization_pending"
    with pytest.raises(SignInRefused) as refused:
        take_grant(device_code=pairing.device_code)
    assert error_of(refused) == "slow_down"
    DeviceCode.objects.update(last_polled_at=now() - timedelta(seconds=2))
    with pytest.raises(SignInRefused) as refused:
        take_grant(device_code=pairing.device_code)
    assert error_of(refused) == "authorization_pending"


def test_a_denied_terminal_gets_nothing(ada: User) -> None:
    pairing = start_pairing(client_id="hf")
    decide_pairing(user=ada, typed=pairing.user_code, approve=False)
    with pytest.raises(SignInRefused) as refused:
        take_grant(device_code=pairing.device_code)
    assert error_of(refused) == "access_denied"
    with pytest.raises(NotFound):
        decide_pairing(user=ada, typed=pairing.user_code, approve=True)


def test_an_expired_pairing_can_be_neither_approved_nor_taken(ada: User) -> None:
    pairing = start_pairing(client_id="hf")
    DeviceCode.objects.update(expires_at=now() - timedelta(seconds=1))
    with pytest.raises(NotFound):
        decide_pairing(user=ada, typed=pairing.user_code, approve=True)
    with pytest.raises(SignInRefused) as refused:
        take_grant(device_code=pairing.device_code)
    assert error_of(refused) == "expired_token"
    start_pairing(client_id="hf")
    assert DeviceCode.objects.count() == 1


@pytest.mark.django_db
def test_a_code_is_understood_as_people_type_it() -> None:
    code = start_pairing(client_id="hf").user_code
    for typed in (code, code.lower(), code.replace("-", ""), f" {code[:4]} {code[5:]} "):
        assert pending_code(typed).user_code == code


def test_a_token_is_renewed_until_it_is_revoked(ada: User) -> None:
    pairing = start_pairing(client_id="hf")
    decide_pairing(user=ada, typed=pairing.user_code, approve=True)
    first = take_grant(device_code=pairing.device_code)
    Token.objects.update(expires_at=now() - timedelta(days=1))
    with pytest.raises(InvalidToken):
        viewer_of_token(first.access_token)

    second = renew(refresh_token=first.refresh_token)
    assert viewer_of_token(second.access_token).name == "ada"
    assert renew(refresh_token=first.refresh_token)

    revoke_token(user=ada, token_id=Token.objects.get().pk)
    with pytest.raises(SignInRefused) as refused:
        renew(refresh_token=second.refresh_token)
    assert error_of(refused) == "invalid_grant"


def test_a_token_long_over_or_of_a_suspended_member_is_not_renewed(ada: User) -> None:
    pairing = start_pairing(client_id="hf")
    decide_pairing(user=ada, typed=pairing.user_code, approve=True)
    grant = take_grant(device_code=pairing.device_code)
    set_active(user=ada, active=False)
    with pytest.raises(SignInRefused):
        renew(refresh_token=grant.refresh_token)
    set_active(user=ada, active=True)
    Token.objects.update(expires_at=now() - timedelta(days=61))
    with pytest.raises(SignInRefused):
        renew(refresh_token=grant.refresh_token)


def test_a_token_without_a_refresh_token_is_never_renewed(ada: User) -> None:
    from llmos.accounts.actions import create_token

    create_token(user=ada, name="x", role="read", expires_at=now() + timedelta(days=1))
    with pytest.raises(SignInRefused):
        renew(refresh_token="")


def test_looking_at_the_page_approves_nothing(ada_browser: Client) -> None:
    pairing = start_pairing(client_id="hf")
    page = ada_browser.get(f"/device?code={pairing.user_code}")
    assert pairing.user_code in page.content.decode()
    with pytest.raises(SignInRefused) as refused:
        take_grant(device_code=pairing.device_code)
    assert error_of(refused) == "authorization_pending"
    ada_browser.post("/device", {"code": pairing.user_code, "decision": "approve"})
    assert take_grant(device_code=pairing.device_code)


def test_codes_cannot_be_guessed_without_end(ada_browser: Client) -> None:
    answers = [ada_browser.get(f"/device?code=BBBB-BB{n:02}").status_code for n in range(31)]
    assert answers[:30] == [200] * 30
    assert answers[30] == 429
