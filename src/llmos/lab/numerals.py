"""A small data set made by rule: numbers and dates in Chinese characters and in English words.

Every pair follows from its number alone, so anybody can check or regenerate it:
`python -m llmos.lab.numerals FOLDER`. It is translation small enough to learn on a laptop.
"""

import json
import random
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

SEED = 20260101
SIZES = {"train": 8000, "validation": 1000, "test": 1000}
# The last digit of a number (of a day's number) decides its split, so the splits never meet.
_LANES = {"train": range(8), "validation": range(8, 9), "test": range(9, 10)}
LARGEST = 10**8  # exclusive: one 亿 and its two ways of reading zero are left out

_DIGITS = "零一二三四五六七八九"
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def chinese_number(number: int) -> str:
    """A whole number below 100,000,000 as it is read: 10,305 is 一万零三百零五."""
    if not 0 <= number < LARGEST:
        raise ValueError(f"{number} is not between 0 and {LARGEST - 1}")
    if number == 0:
        return "零"
    high, low = divmod(number, 10_000)
    if not high:
        return _below_ten_thousand(low, leading=True)
    text = _below_ten_thousand(high, leading=True) + "万"
    if not low:
        return text
    return text + ("零" if low < 1000 else "") + _below_ten_thousand(low, leading=False)


def english_number(number: int) -> str:
    """The same number in words: 10,305 is "ten thousand three hundred and five"."""
    if not 0 <= number < LARGEST:
        raise ValueError(f"{number} is not between 0 and {LARGEST - 1}")
    if number < 1000:
        return _below_thousand(number)
    parts = []
    for value, word in ((10**6, " million"), (10**3, " thousand")):
        count, number = divmod(number, value)
        if count:
            parts.append(_below_thousand(count) + word)
    if number:
        parts.append(("and " if number < 100 else "") + _below_thousand(number))
    return " ".join(parts)


def chinese_date(day: date) -> str:
    """2026-11-05 is 二〇二六年十一月五日: the year digit by digit, month and day as numbers."""
    year = "".join("〇" if digit == "0" else _DIGITS[int(digit)] for digit in str(day.year))
    return f"{year}年{chinese_number(day.month)}月{chinese_number(day.day)}日"


def english_date(day: date) -> str:
    """2026-11-05 is "the fifth of November twenty twenty-six"."""
    return f"the {_ordinal(day.day)} of {_MONTHS[day.month - 1]} {_year(day.year)}"


def rows(split: str) -> Iterator[dict[str, str]]:
    """The rows of one split, always the same; no value comes twice, here or in another split."""
    lanes = _LANES[split]
    chance = random.Random(f"{SEED}/{split}")  # noqa: S311  # repeatable, not secret
    seen: set[str] = set()
    while len(seen) < SIZES[split]:
        lane = chance.choice(lanes)
        row = _date_row(chance, lane) if len(seen) % 4 == 3 else _number_row(chance, lane)
        if row["value"] not in seen:
            seen.add(row["value"])
            yield row


def card() -> str:
    """The data set's README, with the YAML that hubs and `load_dataset` read."""
    return _CARD.format(**SIZES)


def write(folder: Path) -> None:
    """Write the three splits, the card, and how models are measured on them."""
    for split in SIZES:
        target = folder / "data" / f"{split}.jsonl"
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows(split))
        target.write_text("".join(lines), encoding="utf-8")
    (folder / "README.md").write_text(card(), encoding="utf-8")
    (folder / "eval.yaml").write_text(_BENCHMARK, encoding="utf-8")


def _number_row(chance: random.Random, lane: int) -> dict[str, str]:
    # As many short numbers as long ones, as far as there are any.
    number = chance.randrange(10 ** chance.randint(0, 7)) * 10 + lane
    return {
        "zh": chinese_number(number),
        "en": english_number(number),
        "value": str(number),
        "kind": "number",
    }


def _date_row(chance: random.Random, lane: int) -> dict[str, str]:
    day = date(1900, 1, 1) + timedelta(days=chance.randrange(7_300) * 10 + lane)
    return {
        "zh": chinese_date(day),
        "en": english_date(day),
        "value": day.isoformat(),
        "kind": "date",
    }


def _below_ten_thousand(number: int, *, leading: bool) -> str:
    text, zero = "", False
    for value, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, value)
        if digit:
            text += ("零" if zero and text else "") + _DIGITS[digit] + unit
            zero = False
        else:
            zero = True
    # Ten to nineteen drop their one, but only at the start of what is said.
    return text[1:] if leading and text.startswith("一十") else text


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_hundred(rest)
    text = _SMALL[hundreds] + " hundred"
    return f"{text} and {_below_hundred(rest)}" if rest else text


def _below_hundred(number: int) -> str:
    if number < 20:
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_SMALL[ones]}" if ones else "")


def _ordinal(number: int) -> str:
    head, dash, last = _below_hundred(number).rpartition("-")
    if last in _ORDINALS:
        last = _ORDINALS[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return head + dash + last


def _year(year: int) -> str:
    century, rest = divmod(year, 100)
    if year % 1000 < 10:
        return english_number(year)
    if not rest:
        return f"{_below_hundred(century)} hundred"
    return f"{_below_hundred(century)} {'oh ' if rest < 10 else ''}{_below_hundred(rest)}"


# The longest right answer has 94 letters; a model that has learnt little never ends by itself.
_BENCHMARK = """\
name: Chinese numerals in English words
version: 2
task: translation
description: Whether a model says exactly the right number or date.
columns:
  source: zh
  target: en
metrics:
- exact_match
- chrf
decoding:
  max_new: 100
"""

_CARD = """\
---
license: cc0-1.0
language:
- zh
- en
task_categories:
- translation
pretty_name: Chinese numerals and dates in English words
size_categories:
- 10K<n<100K
tags:
- synthetic
- numerals
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train.jsonl
  - split: validation
    path: data/validation.jsonl
  - split: test
    path: data/test.jsonl
---
# Chinese numerals and dates ↔ English words · 中文数字与日期 ↔ 英文单词

Numbers below one hundred million and dates from 1900 to 2099, each in Chinese characters and in
English words. 一亿以内的数字和 1900 至 2099 年的日期，中文与英文逐条对应。

| column | meaning |
|---|---|
| `zh` | 一万零三百零五 |
| `en` | ten thousand three hundred and five |
| `value` | `10305`, or an ISO date |
| `kind` | `number` or `date` |

| split | rows |
|---|---|
| train | {train} |
| validation | {validation} |
| test | {test} |

**How it was made.** By rule, without any source text: `llmos/lab/numerals.py` writes every row from
its number alone, so it can be regenerated byte for byte with `python -m llmos.lab.numerals FOLDER`.
A value never stands in two splits. There are no personal data in it.

**What it is for.** Learning and testing translation of exact content on small machines: a model
either says the right number or it does not, so exact match is the fitting measure. `eval.yaml`
says so to the hub, which makes this data set a benchmark with a board of its own.

**Licence.** CC0 1.0: no rights reserved.

```python
from datasets import load_dataset

pairs = load_dataset("llmos/numerals-zh-en", split="test")
```
"""


if __name__ == "__main__":
    write(Path(sys.argv[1]))
