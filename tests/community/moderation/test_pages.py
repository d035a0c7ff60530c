"""Moderators' forms as browsers send them, and what members read of their own level."""

import pytest
from django.test import Client
from tests.community.keeping import member

from llmos.accounts.models import User
from llmos.community.trust.models import Level

pytestmark = pytest.mark.django_db


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_level_lowered_without_a_reason_is_refused_and_its_words_stay() -> None:
    person, keeper = member(Level.LEADER), browser(member(admin=True))
    address = f"/moderation/members/{person.username}/level"

    answer = keeper.post(address, {"level": "1", "words": "Said it twice", "held": "1"})

    assert answer.status_code == 400
    assert "Choose a reason" in answer.text
    assert 'value="Said it twice"' in answer.text
    assert '<option value="1" selected>' in answer.text


def test_members_read_on_their_own_page_what_the_next_level_asks_for() -> None:
    person, other = member(Level.NEW), member(Level.NEW)
    page = f"/{person.username}"

    assert "To the next level are missing:" in browser(person).get(page).text
    assert "To the next level are missing:" not in browser(other).get(page).text
