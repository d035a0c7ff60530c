"""Names of members and organisations."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmos.accounts.actions import create_organisation, create_user
from llmos.accounts.errors import NameRefused, NameTaken
from llmos.accounts.models import User
from llmos.accounts.names import COURTESY, ROUTES, check_name


@pytest.mark.parametrize(
    "name", ["ada", "Ada-Lovelace", "a1", "open_models", "v1.5-team", "valid_org", "x" * 96]
)
def test_ordinary_names_are_open_to_everybody(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "-ada",
        "ada-",
        ".ada",
        "ada.",
        "_ada",
        "a--b",
        "a..b",
        "ada.git",
        "Ada.GIT",
        "a b",
        "a/b",
        "a\nb",
        "ada\n",
        "x" * 97,
        "аda",  # Cyrillic а
        "ａｄａ",  # full width
        "ﬁne",  # a ligature that normalises to ASCII
        "艾达",
        "datasets",
        "API",
        "settings",
        "organizations",
        "official",
    ],
)
def test_names_that_clients_routes_or_readers_cannot_bear_are_refused(name: str) -> None:
    with pytest.raises(NameRefused):
        check_name(name)


@pytest.mark.parametrize("name", ["_ada", "__DUMMY_USER__", "x", "official", "support"])
def test_administrators_may_give_names_that_the_public_form_refuses(name: str) -> None:
    assert check_name(name, any_name=True) == name


@pytest.mark.parametrize("name", ["api", "Datasets", "a--b", "ada.git", "-x", "аda", ""])
def test_even_administrators_cannot_break_routes_or_clients(name: str) -> None:
    with pytest.raises(NameRefused):
        check_name(name, any_name=True)


@given(st.text(max_size=100))
def test_an_accepted_name_is_one_clean_path_segment(text: str) -> None:
    try:
        name = check_name(text, any_name=True)
    except NameRefused:
        return
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,96}", name)
    assert name.casefold() not in ROUTES
    assert name not in {".", ".."}


def test_every_page_of_ours_is_kept_from_members() -> None:
    from llmos.web.machines import machine_routes
    from llmos.web.urls import urlpatterns

    pages = {str(entry.pattern).split("/")[0] for entry in urlpatterns}
    machines = {route.path.split("/")[1] for route in machine_routes()}
    fixed = {first for first in pages | machines if first and not re.search(r"[<{^]", first)}
    assert fixed <= ROUTES


def test_no_name_is_kept_twice() -> None:
    assert not ROUTES & COURTESY


def test_names_differ_by_more_than_case_across_members_and_organisations(ada: User) -> None:
    with pytest.raises(NameTaken):
        create_user(name="ADA")
    with pytest.raises(NameTaken):
        create_organisation(name="Ada")
