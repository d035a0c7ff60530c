"""Rows out of whatever people keep them in, or words about why not."""

import json
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from llmos.lab.errors import BadData
from llmos.lab.reading import open_data

PAIRS = [{"de": "zwei Hunde", "en": "two dogs"}, {"de": "ein „Haus“", "en": 'a "house"'}]


def written(folder: Path, name: str) -> Path:
    path = folder / name
    match path.suffix:
        case ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in PAIRS))
        case ".json":
            path.write_text(json.dumps({"version": 1, "data": PAIRS}))
        case ".csv":
            path.write_text('de,en\nzwei Hunde,two dogs\nein „Haus“,"a ""house"""\n')
        case ".tsv":
            path.write_text('de\ten\nzwei Hunde\ttwo dogs\nein „Haus“\ta "house"\n')
        case ".parquet":
            parquet.write_table(pyarrow.Table.from_pylist(PAIRS), path)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.tsv", "a.parquet"])
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    found = open_data(written(tmp_path, name), columns=["de", "en"])
    assert found.rows == PAIRS


def test_parallel_files_are_columns_and_must_be_as_long(tmp_path: Path) -> None:
    (tmp_path / "train.de").write_text("zwei Hunde\nein Haus\n")
    (tmp_path / "train.en").write_text("two dogs\na house\n")
    assert open_data(tmp_path).rows[1] == {"de": "ein Haus", "en": "a house"}
    (tmp_path / "train.en").write_text("two dogs\n")
    with pytest.raises(BadData, match=r"train\.de: 2, train\.en: 1"):
        open_data(tmp_path)


def test_text_with_tabs_is_a_table_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "cmn.txt"
    path.write_text('Hi.\t嗨。\n\nA "dog"\t狗\n')
    found = open_data(path)
    assert found.columns == ["column1", "column2"]
    assert found.rows[1] == {"column1": 'A "dog"', "column2": "狗"}
    path.write_text("Hi.\t嗨。\n" * 200 + "no tab\n")
    with pytest.raises(BadData, match=r"cmn\.txt, line 201: 1 columns, but 2 above"):
        open_data(path)
    path.write_text("\tindented\nprose\n")
    assert open_data(path, columns=["text"]).rows == [{"text": "\tindented"}, {"text": "prose"}]


def test_folders_have_splits_by_name_and_by_card(tmp_path: Path) -> None:
    for split in ("train", "dev"):
        (tmp_path / f"{split}.jsonl").write_text(json.dumps({"text": split}) + "\n")
    assert open_data(tmp_path, split="validation").rows == [{"text": "dev"}]
    card = "---\nconfigs:\n- data_files:\n  - {split: test, path: train.jsonl}\n---\n"
    (tmp_path / "README.md").write_text(card)
    assert open_data(tmp_path, split="test").rows == [{"text": "train"}]
    with pytest.raises(BadData, match="no split 'train'; there are test"):
        open_data(tmp_path)


def test_text_comes_by_lines_or_by_paragraphs(tmp_path: Path) -> None:
    path = tmp_path / "play.txt"
    path.write_text("ROMEO:\nIt is the east.\n\nJULIET:\nAy me!\n")
    assert len(open_data(path).rows) == 5
    found = open_data(path, columns=["text"], paragraphs=True).rows
    assert [row["text"] for row in found] == ["ROMEO:\nIt is the east.", "JULIET:\nAy me!"]
    path.write_text("one line of text\n" * 1000)
    assert len(open_data(path, columns=["text"], paragraphs=True)) > 2


def test_columns_nobody_asked_for_may_hold_anything(tmp_path: Path) -> None:
    rows = [{"en": "one", "more": 1}, {"en": "two", "more": "text"}, {"more": [], "en": "three"}]
    path = tmp_path / "mixed.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [row["en"] for row in open_data(path, columns=["en"])] == ["one", "two", "three"]


def test_a_column_only_later_rows_have_is_found(tmp_path: Path) -> None:
    path = tmp_path / "later.jsonl"
    path.write_text('{"a": "x"}\n{"a": "y", "b": "z"}\n')
    found = open_data(path, columns=["b"])
    assert found.rows == [{"b": "z"}]
    assert found.skipped == {"with an empty 'b'": 1}


def test_lists_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "lists.jsonl"
    path.write_text(json.dumps({"en": ["a", "b"]}) + "\n")
    with pytest.raises(BadData, match="1 rows with a list instead of text in 'en'"):
        open_data(path, columns=["en"])


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv", "a.txt"])
def test_another_encoding_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes('{"text": "Grüße"}\n"text"\nGrüße\n'.encode("latin-1"))
    with pytest.raises(BadData, match=rf"{name} is not UTF-8 text"):
        open_data(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", '{"a": 1}\n{"a": \n', r"a\.jsonl, line 2"),
        ("a.json", "[1, 2]", "must be a JSON object"),
        ("a.json", "{", "is no JSON"),
        ("a.parquet", "PAR1 no", "cannot be read as parquet"),
        ("a.csv", "", "is empty"),
        ("a.csv", "a,b\n1\n", "cannot be read as csv"),
        ("a.txt", "", "is empty"),
    ],
)
def test_damaged_files_are_told_by_name_and_place(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(BadData, match=words):
        open_data(tmp_path / name)


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv"])
def test_lines_of_a_million_words_cost_only_themselves(tmp_path: Path, name: str) -> None:
    monster = "word " * 10**6
    path = tmp_path / name
    if name.endswith("jsonl"):
        path.write_text(json.dumps({"en": monster}) + '\n{"en": "one"}\n')
    else:
        path.write_text(f"en\n{monster}\none\n")
    found = open_data(path, columns=["en"])
    assert found.rows == [{"en": "one"}]
    assert found.skipped == {"with more than 100000 letters in 'en'": 1}


def test_what_is_nowhere_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="neither a file, a folder nor a repository"):
        open_data(tmp_path / "nothing")
