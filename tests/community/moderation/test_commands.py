"""What whoever runs the hub may do with members on its console."""

import json
import zipfile
from pathlib import Path

from tests.conftest import HubServer, run_llmos


def test_a_member_is_trusted_exported_and_deleted_by_command(
    hub_server: HubServer, tmp_path: Path
) -> None:
    home, target = hub_server.home, tmp_path / "her-data.zip"
    run_llmos(home, "users", "create", "condor")
    assert "level 2" in run_llmos(home, "users", "level", "condor", "regular", "--hold")
    run_llmos(home, "users", "export", "condor", "--output", str(target))
    with zipfile.ZipFile(target) as archive:
        trust = json.loads(archive.read("trust.json"))
        assert (trust["level"], trust["held"]) == (2, True)
    assert "nobody is given the name" in run_llmos(home, "users", "delete", "condor", "--yes")
