"""Pages that say no: they lead back, and on."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_refusal_leads_back_to_where_one_was() -> None:
    browser = Client(HTTP_HOST="testserver")
    here, elsewhere = "http://testserver/forum", "https://elsewhere.example/"
    assert f'href="{here}"' in browser.get("/posts/999999", headers={"Referer": here}).text
    assert elsewhere not in browser.get("/posts/999999", headers={"Referer": elsewhere}).text


def test_who_must_sign_in_for_a_form_comes_back_to_its_page() -> None:
    browser = Client(HTTP_HOST="testserver")
    sent = browser.post("/threads/1/watch", headers={"Referer": "http://testserver/t/1/so"})
    assert "/accounts/login/?next=/t/1/so" in sent.text


def test_an_address_of_forms_says_so_to_who_opens_it() -> None:
    answer = Client(HTTP_HOST="testserver").get("/threads/1/watch")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "it has no page to look at" in answer.text
