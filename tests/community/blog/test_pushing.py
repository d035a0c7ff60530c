"""Articles by push, with the clients that people have: git and huggingface_hub against a hub."""

import re
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from tests.conftest import HubServer
from tests.pictures import picture

pytestmark = pytest.mark.slow  # the worker has to hear of each push

TEXT = "---\ntitle: {title}\n{more}---\n\nSee [the rows](../rows.csv) and ![a curve](fig/a.png).\n"


class Reader:
    """Somebody without an account who waits for what is to come."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def get(self, path: str) -> httpx2.Response:
        return self._client.get(path)

    def wait(self, path: str, good: Callable[[httpx2.Response], bool]) -> httpx2.Response:
        deadline = time.monotonic() + 30
        while True:
            found = self.get(path)
            if good(found):
                return found
            assert time.monotonic() < deadline, (path, found.status_code, found.text[-2000:])
            time.sleep(0.2)

    def wait_for(self, path: str, words: str) -> str:
        return self.wait(path, lambda one: one.status_code == 200 and words in one.text).text

    def wait_until_gone(self, path: str) -> None:
        self.wait(path, lambda one: one.status_code == 404)


@pytest.fixture
def reader(hub_server: HubServer) -> Iterator[Reader]:
    with httpx2.Client(base_url=hub_server.url, timeout=30) as client:
        yield Reader(client)


@pytest.fixture(scope="module")
def token(hub_server: HubServer) -> str:
    """Of an administrator, whose pace nobody limits."""
    hub_server.command("users", "create", "press", "--admin")
    made = hub_server.command("tokens", "create", "press", "--name", "push", "--role", "write")
    return made.strip()


@pytest.fixture
def api(hub_server: HubServer, token: str) -> HfApi:
    return HfApi(endpoint=hub_server.url, token=token)


def commit(api: HfApi, repo: str, files: dict[str, str | bytes | None]) -> str:
    operations = [
        CommitOperationDelete(path)
        if content is None
        else CommitOperationAdd(path, content.encode() if isinstance(content, str) else content)
        for path, content in files.items()
    ]
    return str(api.create_commit(repo, operations, commit_message="Write").oid)


def new_name() -> str:
    return f"p{uuid.uuid4().hex[:8]}"


def test_a_pushed_file_becomes_an_article_whose_links_lead_to_its_commit(
    api: HfApi, reader: Reader
) -> None:
    name = new_name()
    api.create_repo(f"press/{name}")
    text = TEXT.format(title="Pushed here", more="tags: [pushing]\nlanguage: en\n")
    files = {f"articles/{name}.md": text, "articles/fig/a.png": picture(), "rows.csv": "a\n"}
    sha = commit(api, f"press/{name}", files)
    page = reader.wait_for(f"/blog/press/{name}", "Pushed here")
    assert f'href="/press/{name}/blob/{sha}/rows.csv"' in page
    source = re.search(rf'src="(/press/{name}/resolve/{sha}/articles/fig/a.png)"', page)
    assert source is not None
    assert reader.get(source[1]).status_code in {200, 302}
    assert f"/press/{name}/blob/{sha}/articles/{name}.md" in page

    # The same once more changes nothing; new words do.
    commit(api, f"press/{name}", {"other.txt": "x"})
    commit(api, f"press/{name}", {f"articles/{name}.md": text + "\nAnd more words.\n"})
    reader.wait_for(f"/blog/press/{name}", "And more words.")
    assert reader.get("/blog/press.json").text.count("Pushed here") == 1

    commit(api, f"press/{name}", {f"articles/{name}.md": None})
    reader.wait_until_gone(f"/blog/press/{name}")
    commit(api, f"press/{name}", {f"articles/{name}.md": text})
    reader.wait_for(f"/blog/press/{name}", "Pushed here")


def test_its_pictures_carry_their_size_wherever_their_bytes_lie(api: HfApi, reader: Reader) -> None:
    name = new_name()
    api.create_repo(f"press/{name}")
    shown = "![small](fig/a b.png) ![large](fig/large.gif) ![none](fig/none.png) ![far](/top.png)"
    files: dict[str, str | bytes | None] = {
        ".gitattributes": "*.gif filter=lfs diff=lfs merge=lfs -text\n",
        "articles/fig/a b.png": picture(3, 2),
        "articles/fig/none.png": b"no picture",
        "top.png": picture(7, 5),
    }
    commit(api, f"press/{name}", files)
    commit(api, f"press/{name}", {"articles/fig/large.gif": picture(640, 480)})
    words = f"---\ntitle: Sized\n---\n\n{shown.replace('a b', 'a%20b')}\n"
    commit(api, f"press/{name}", {f"articles/{name}.md": words})
    page = reader.wait_for(f"/blog/press/{name}", "Sized")
    sizes = re.findall(r'<img width="(\d+)" height="(\d+)"[^>]* src="[^"]*/([^"/]+)"', page)
    assert sizes == [("3", "2", "a%20b.png"), ("640", "480", "large.gif"), ("7", "5", "top.png")]
    assert api.get_paths_info(f"press/{name}", ["articles/fig/large.gif"])[0].lfs is not None  # type: ignore[union-attr]


def test_git_publishes_as_well(
    api: HfApi, reader: Reader, hub_server: HubServer, token: str, tmp_path: Path
) -> None:
    name = new_name()
    api.create_repo(f"press/{name}", repo_type="dataset")
    address = hub_server.url.replace("://", f"://press:{token}@")
    work = tmp_path / "work"

    def git(*words: str) -> None:
        identity = ["-c", "user.name=Press", "-c", "user.email=press@example.org"]
        env = hub_server.client_env(tmp_path)
        folder = ["-C", str(work)] if work.exists() else []
        command = ["git", *folder, *identity, *words]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    git("clone", "-q", f"{address}/datasets/press/{name}", str(work))
    (work / "articles").mkdir()
    text = TEXT.format(title="来自 git", more=f"slug: {name}\n")
    (work / "articles" / "zh.md").write_text(text.replace("See", "请看这里的数据"))
    git("add", ".")
    git("commit", "-q", "-m", "写")
    git("push", "-q", "origin", "HEAD:main")
    page = reader.wait_for(f"/blog/press/{name}", "来自 git")
    assert f"/datasets/press/{name}/blob/" in page


def test_what_not_everybody_may_read_is_not_published(api: HfApi, reader: Reader) -> None:
    name = new_name()
    api.create_repo(f"press/{name}", private=True)
    text = TEXT.format(title="A secret", more="")
    commit(api, f"press/{name}", {f"articles/{name}.md": text})
    api.update_repo_settings(f"press/{name}", private=False)
    reader.wait_for(f"/blog/press/{name}", "A secret")
    api.update_repo_settings(f"press/{name}", gated="manual")
    reader.wait_until_gone(f"/blog/press/{name}")
    api.update_repo_settings(f"press/{name}", gated=False)
    reader.wait_for(f"/blog/press/{name}", "A secret")
    api.update_repo_settings(f"press/{name}", private=True)
    # At once, whatever the worker does.
    assert reader.get(f"/blog/press/{name}").status_code == 404
    assert "A secret" not in reader.get("/blog/press.atom").text


def test_one_bad_file_stops_no_other(api: HfApi, reader: Reader) -> None:
    name = new_name()
    api.create_repo(f"press/{name}")
    good = TEXT.format(title="A good one", more=f"slug: {name}\n")
    files = {
        "articles/a-bad.md": "---\ntitle: a: b\n---\n",
        "articles/b-cover.md": TEXT.format(title="C", more="cover: none.png\ncover_text: x\n"),
        "articles/c-notes.md": "# Only notes\n",
        "articles/d-good.md": good,
    }
    commit(api, f"press/{name}", dict(files))
    reader.wait_for(f"/blog/press/{name}", "A good one")
    for slug in ("a-bad", "b-cover", "c-notes"):
        assert reader.get(f"/blog/press/{slug}").status_code == 404


def test_two_files_of_one_push_may_be_translations_of_each_other(
    api: HfApi, reader: Reader
) -> None:
    name = new_name()
    api.create_repo(f"press/{name}")
    more = "language: {}\ntranslates: {}\n"
    files = {
        f"articles/{name}.md": TEXT.format(title="A", more=more.format("en", f"{name}-zh")),
        f"articles/{name}-zh.md": TEXT.format(title="甲", more=more.format("zh", name)),
        f"articles/{name}-odd.md": TEXT.format(title="Odd", more=more.format("en", "nowhere")),
    }
    commit(api, f"press/{name}", dict(files))

    reader.wait_for(f"/blog/press/{name}", f"/blog/press/{name}-zh")
    assert "甲" in reader.wait_for(f"/blog/press/{name}-zh", f'href="/blog/press/{name}"')
    assert reader.get(f"/blog/press/{name}-odd").status_code == 404
