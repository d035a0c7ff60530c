"""The web process, from its start to its orderly end."""

import sqlite3
from pathlib import Path

from huggingface_hub import HfApi
from tests.conftest import start_hub, stop_hub
from tests.homes import Homes


def test_downloads_of_the_last_seconds_are_counted_when_the_hub_stops(
    tmp_path: Path, homes: Homes
) -> None:
    home = tmp_path / "home"
    homes.copy_to(home)
    process, url = start_hub(home)
    try:
        api = HfApi(endpoint=url, token=homes.tokens["ada"])
        api.create_repo("ada/counted")
        api.hf_hub_download("ada/counted", ".gitattributes", cache_dir=tmp_path / "cache")
    finally:
        stop_hub(process)

    with sqlite3.connect(home / "llmos.sqlite3") as rows:
        assert rows.execute("SELECT SUM(count) FROM hub_downloadday").fetchone() == (1,)
    rows.close()
