"""The first rows of a data set, in all the ways in which people store them."""

import io
import json
from typing import Any

import pyarrow as arrow
import pytest
from pyarrow import parquet
from tests.training.conftest import PAIRS, MakeRepository

from llmos.accounts.access import Viewer
from llmos.hub import preview
from llmos.training.access import pinned
from llmos.training.queries import Data, data_at

ROWS = [{"zh": "五", "en": "five"}, {"zh": "六", "en": "six"}]


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows), out)
    return out.getvalue()


@pytest.mark.parametrize(
    "files",
    [
        {"train.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS)},
        {"train.json": json.dumps(ROWS, indent=1)},
        {"data/train-00000.csv": "zh,en\n五,five\n六,six\n"},
        {"train.tsv": "zh\ten\n五\tfive\n六\tsix\n"},
        {"train.parquet": as_parquet(ROWS)},
        {"train.zh": "五\n六\n", "train.en": "five\nsix\n"},
    ],
    ids=["jsonl", "json", "csv", "tsv", "parquet", "parallel"],
)
def test_rows_are_shown_in_every_form(
    viewer: Viewer, repository: MakeRepository, files: dict[str, str | bytes]
) -> None:
    repository(files)
    split = data_at(viewer, "ada/rooms").preview.splits[0]
    assert split.problem == ""
    assert sorted(split.columns) == ["en", "zh"]
    assert split.rows == ROWS
    assert (split.about, split.counted) == (2, True)


def test_a_cards_own_splits_come_first(viewer: Viewer, repository: MakeRepository) -> None:
    card = (
        "---\nlanguage: [zh, en]\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - split: lessons\n    path: a.jsonl\n  - split: exam\n    path: b.jsonl\n---\n"
    )
    repository({"README.md": card, "a.jsonl": PAIRS, "b.jsonl": PAIRS[:200]})
    assert data_at(viewer, "ada/rooms").splits == ["lessons", "exam"]


def test_of_a_large_file_only_the_beginning_is_read(
    viewer: Viewer, repository: MakeRepository
) -> None:
    made = repository({"train.csv": 'zh,en\n五,"five,\nor so"\n' * 30_000})
    split = data_at(viewer, "ada/rooms").preview.splits[0]
    assert split.size > 2 * preview.HEAD_BYTES
    assert split.rows[0] == {"zh": "五", "en": "five,\nor so"}
    assert not split.counted
    assert 50_000 < split.about < 70_000
    assert pinned(Viewer(), "dataset", "ada/rooms").repository == made


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"train.jsonl": '{"a": 1}\nno json\n'}, "train.jsonl, line 2"),
        ({"train.parquet": b"PAR1 and nothing"}, "parquet"),
        ({"train.csv": ""}, "train.csv"),
        ({"train.jsonl": '{"a": "' + "x" * 400_000 + '"}\n'}, "too large to be shown"),
        ({"train.zh": "一\n二\n", "train.en": "one\n"}, "as many lines"),
    ],
    ids=["no-json", "no-parquet", "empty", "long-line", "uneven"],
)
def test_what_cannot_be_read_says_why_and_where(
    viewer: Viewer, repository: MakeRepository, files: dict[str, str | bytes], words: str
) -> None:
    repository(files)
    split = data_at(viewer, "ada/rooms").preview.splits[0]
    assert words in split.problem
    assert "/tmp" not in split.problem


def test_a_repository_without_rows_says_so(viewer: Viewer, repository: MakeRepository) -> None:
    repository({"picture.png": b"\x89PNG"})
    found = data_at(viewer, "ada/rooms").preview
    assert ".jsonl" in found.problem


def languages(data: Data) -> dict[str, str]:
    return {column.name: column.language for column in data.columns}


def test_languages_come_from_names_letters_and_the_card(
    viewer: Viewer, repository: MakeRepository
) -> None:
    row = {"source": "今天下雨。", "target": "It rains today.", "id": "x", "ja": "雨です。"}
    card = "---\nlanguage: [zh, en, ja]\n---\n"
    repository({"train.jsonl": json.dumps(row) + "\n", "README.md": card})
    found = languages(data_at(viewer, "ada/rooms"))
    assert found == {"source": "zh", "target": "en", "id": "", "ja": "ja"}


def test_an_older_commit_is_shown_as_it_was(viewer: Viewer, repository: MakeRepository) -> None:
    made = repository({"train.jsonl": PAIRS})
    then = data_at(viewer, f"ada/rooms@{made.head_sha[:10]}")
    assert then.pinned.commit == made.head_sha
    assert then.names == ["zh", "en", "n"]
