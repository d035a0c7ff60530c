"""The data set that is made by rule."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmos.lab import numerals


@pytest.mark.parametrize(
    ("number", "chinese", "english"),
    [
        (0, "零", "zero"),
        (10, "十", "ten"),
        (15, "十五", "fifteen"),
        (101, "一百零一", "one hundred and one"),
        (110, "一百一十", "one hundred and ten"),
        (1001, "一千零一", "one thousand and one"),
        (10_010, "一万零一十", "ten thousand and ten"),
        (10_305, "一万零三百零五", "ten thousand three hundred and five"),
        (100_000, "十万", "one hundred thousand"),
        (30_000_300, "三千万零三百", "thirty million three hundred"),
    ],
)
def test_numbers_are_read_as_people_read_them(number: int, chinese: str, english: str) -> None:
    assert numerals.chinese_number(number) == chinese
    assert numerals.english_number(number) == english


@pytest.mark.parametrize(
    ("day", "chinese", "english"),
    [
        (date(2026, 11, 5), "二〇二六年十一月五日", "the fifth of November twenty twenty-six"),
        (date(2000, 1, 1), "二〇〇〇年一月一日", "the first of January two thousand"),
        (date(1905, 3, 12), "一九〇五年三月十二日", "the twelfth of March nineteen oh five"),
        (
            date(1900, 12, 30),
            "一九〇〇年十二月三十日",
            "the thirtieth of December nineteen hundred",
        ),
    ],
)
def test_dates_are_read_as_people_read_them(day: date, chinese: str, english: str) -> None:
    assert numerals.chinese_date(day) == chinese
    assert numerals.english_date(day) == english


_VALUES = {character: value for value, character in enumerate("零一二三四五六七八九")}
_UNITS = {"十": 10, "百": 100, "千": 1000}


def _number_of(chinese: str) -> int:
    high, wan, low = chinese.rpartition("万")
    return (_number_of(high) * 10_000 if wan else 0) + _small_number_of(low)


def _small_number_of(chinese: str) -> int:
    total, digit = 0, None
    for character in chinese:
        if character in _UNITS:
            total += (1 if digit in (None, 0) else digit) * _UNITS[character]
            digit = None
        else:
            digit = _VALUES[character]
    return total + (digit or 0)


@given(st.integers(0, numerals.LARGEST - 1))
def test_a_reader_of_the_characters_gets_the_number_back(number: int) -> None:
    assert _number_of(numerals.chinese_number(number)) == number


def test_the_splits_are_complete_without_repeats_and_never_meet() -> None:
    values = {split: [row["value"] for row in numerals.rows(split)] for split in numerals.SIZES}

    assert {split: len(found) for split, found in values.items()} == numerals.SIZES
    together = [value for found in values.values() for value in found]
    assert len(set(together)) == len(together)


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        numerals.write(tmp_path / name)

    for path in (tmp_path / "one").rglob("*.*"):
        if path.is_file():
            same = tmp_path / "two" / path.relative_to(tmp_path / "one")
            assert path.read_bytes() == same.read_bytes()
    first = (tmp_path / "one/data/test.jsonl").read_text(encoding="utf-8").splitlines()[0]
    assert set(json.loads(first)) == {"zh", "en", "value", "kind"}
