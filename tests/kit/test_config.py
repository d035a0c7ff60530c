"""Settings: the strongest source wins, and a mistake is told with its place and its remedy."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from llmos.kit.config import BadConfiguration, Section, current, origins, read_toml, setting


@dataclass(frozen=True)
class Lamp(Section):
    section: ClassVar[str] = "lamp"
    colour: str = setting("white", "what it shines in")
    watts: int = setting(5, "how strong it is")
    lit: bool = setting(False, "whether it is on")
    rooms: list[str] = setting([], "where it hangs")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LLMOS_HOME", str(tmp_path))
    read_toml.cache_clear()
    current.cache_clear()
    yield tmp_path
    read_toml.cache_clear()
    current.cache_clear()


def test_without_any_source_the_defaults_hold() -> None:
    assert current(Lamp) == Lamp(colour="white", watts=5, lit=False, rooms=[])


def test_the_file_beats_the_default_and_the_environment_beats_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "llmos.toml").write_text('[lamp]\ncolour = "green"\nwatts = 7\n')
    monkeypatch.setenv("LLMOS_LAMP_WATTS", "9")

    found = origins(Lamp, read_toml(home / "llmos.toml"))

    assert (found["colour"].value, found["colour"].source) == ("green", "llmos.toml")
    assert (found["watts"].value, found["watts"].source) == (9, "LLMOS_LAMP_WATTS")
    assert found["lit"].source == "default"


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("off", False)])
def test_switches_are_written_in_words(
    text: str, value: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMOS_LAMP_LIT", text)

    assert current(Lamp).lit is value


def test_a_list_in_the_environment_is_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMOS_LAMP_ROOMS", "hall, attic,")

    assert current(Lamp).rooms == ["hall", "attic"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[lamp]\ncolor = 'green'\n", "has no setting 'color'; it knows colour, lit"),
        ("[lamp]\nwatts = 'many'\n", "lamp.watts = 'many': expected int"),
        ("[lamp]\nwatts = true\n", "lamp.watts = True: expected int"),
        ("[lamp]\nrooms = [1]\n", "lamp.rooms = 1: expected str"),
        ("[lamp\n", "llmos.toml"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(home: Path, text: str, told: str) -> None:
    (home / "llmos.toml").write_text(text)

    with pytest.raises(BadConfiguration, match=told.replace("[", r"\[")):
        origins(Lamp, read_toml(home / "llmos.toml"))


def test_a_mistake_in_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMOS_LAMP_WATTS", "many")

    with pytest.raises(BadConfiguration, match="LLMOS_LAMP_WATTS"):
        current(Lamp)
