"""The web process, from its start to its orderly end."""

import sqlite3
from pathlib import Path

from huggingface_hub import HfApi
from tests.conftest import run_llmos, start_hub, stop_hub


def test_downloads_of_the_last_seconds_are_counted_when_the_hub_stops(tmp_path: Path) -> None:
    home = tmp_path / "home"
    process, url = start_hub(home)
    try:
        run_llmos(home, "users", "create", "ada")
        token = run_llmos(home, "tokens", "create", "ada", "--name", "t", "--role", "write")
        api = HfApi(endpoint=url, token=token.strip())
        api.create_repo("ada/counted")
        api.hf_hub_download("ada/counted", ".gitattributes", cache_dir=tmp_path / "cache")
    finally:
        stop_hub(process)

    with sqlite3.connect(home / "llmos.sqlite3") as rows:
        assert rows.execute("SELECT SUM(count) FROM hub_downloadday").fetchone() == (1,)
    rows.close()
