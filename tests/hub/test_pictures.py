"""The pictures of a card keep their place before they arrive."""

import re

import pytest
from django.test import Client
from tests.evaluation.rows import committed, made
from tests.pictures import picture

from llmos.accounts.actions import create_user

pytestmark = pytest.mark.django_db(transaction=True)
CARD = "# Model\n\n![curve](fig/curve.png) ![gone](fig/gone.png) ![broken](broken.png)\n"


def sizes(address: str) -> list[tuple[str, str, str]]:
    page = Client().get(address).content.decode()
    return re.findall(r'<img width="(\d+)" height="(\d+)" src="[^"]*/([^"/]+)"', page)


def test_a_card_says_how_large_its_pictures_are_at_its_commit() -> None:
    files = {
        "README.md": CARD.encode(),
        "fig/curve.png": picture(40, 30),
        "broken.png": b"\x89PNG\r\n\x1a\n",
    }
    repository = made(create_user(name="ada"), "model", "drawn", files)
    assert sizes("/ada/drawn") == [("40", "30", "curve.png")]
    assert sizes("/ada/drawn/blob/main/README.md") == [("40", "30", "curve.png")]
    committed(repository, {"fig/curve.png": picture(8, 6), "fig/gone.png": picture(1, 1)})
    assert sizes("/ada/drawn") == [("8", "6", "curve.png"), ("1", "1", "gone.png")]
