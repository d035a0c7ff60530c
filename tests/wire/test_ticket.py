"""Tickets: only ours, only for their purpose, only until they expire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmos.wire import ticket
from llmos.wire.ticket import BadTicket, ExpiredTicket


def issued(purpose: str = "read", expires: int = 100) -> str:
    return ticket.issue({"id": 1}, key="k", purpose=purpose, expires=expires)


def test_a_ticket_is_read_back() -> None:
    assert ticket.read(issued(), key="k", purpose="read", now=99.0) == {"id": 1}


def test_a_ticket_for_another_purpose_or_of_another_hub_is_refused() -> None:
    with pytest.raises(BadTicket):
        ticket.read(issued("write"), key="k", purpose="read", now=0)
    with pytest.raises(BadTicket):
        ticket.read(issued(), key="other", purpose="read", now=0)


def test_an_expired_ticket_is_refused() -> None:
    with pytest.raises(ExpiredTicket):
        ticket.read(issued(expires=5), key="k", purpose="read", now=5.5)


@given(st.text())
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadTicket):
        ticket.read(text, key="k", purpose="read", now=0)
