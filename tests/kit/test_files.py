"""Files are whole or absent."""

import os
from pathlib import Path

import pytest

from llmos.kit.files import written_whole


def test_a_file_appears_when_it_is_finished(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "note"

    with written_whole(target) as file:
        file.write(b"half")
        assert not target.exists()
        file.write(b" and half")

    assert target.read_bytes() == b"half and half"
    assert os.listdir(target.parent) == ["note"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "note"
    target.write_bytes(b"old")

    with pytest.raises(ZeroDivisionError), written_whole(target) as file:
        file.write(b"new")
        raise ZeroDivisionError

    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["note"]
