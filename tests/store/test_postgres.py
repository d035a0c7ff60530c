"""The same hub on PostgreSQL: repositories and jobs, and a walk through every community room.

`LLMOS_TEST_DATABASE=postgresql` runs any other test on it as well.
"""

import io
import os
import re
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from aiosmtpd.controller import Controller
from huggingface_hub import HfApi
from tests import databases
from tests.community.notifications.conftest import Office
from tests.conftest import free_port, run_llmos, start_hub, stop_hub
from tests.jobs.conftest import Jobs, new_data, wish

pytestmark = pytest.mark.slow

PASSWORD = "correct horse 9"
SIGN_IN = "/accounts/login/"


def wait_until(found: Callable[[], object]) -> None:
    """The worker fills lists a moment after a push."""
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline, "the worker never came"
        time.sleep(0.2)


@dataclass
class Person:
    """A member at her browser, who also asks by token."""

    name: str
    token: str
    browser: httpx2.Client
    csrf: str = ""

    def sign_in(self) -> None:
        self.browser.cookies.clear()
        self.csrf = ""
        self.send(SIGN_IN, login=self.name, password=PASSWORD)
        self.csrf = ""

    def page(self, path: str) -> str:
        answer = self.browser.get(path, follow_redirects=True)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:2000])
        return answer.text

    def sees(self, path: str) -> bool:
        return self.browser.get(path, follow_redirects=True).status_code == 200

    def send(self, path: str, /, **fields: object) -> str:
        """Send a form; returns where it leads."""
        answer = self.post(path, **fields)
        assert answer.status_code == 302, (path, answer.status_code, answer.text[:3000])
        return answer.headers["location"]

    def post(self, path: str, /, **fields: object) -> httpx2.Response:
        if not self.csrf:
            at = path if path == SIGN_IN else "/feed"
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.page(at))
            assert found
            self.csrf = found[1]
        return self.browser.post(path, data={"csrfmiddlewaretoken": self.csrf, **fields})

    def ask(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.browser.request(method, path, headers=headers, **options)
        assert answer.status_code < 300, (path, answer.status_code, answer.text[:2000])
        return answer.json() if answer.content else None

    def posts(self, thread: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", f"/api/threads/{thread}/posts")
        return found

    def opens(self, title: str, text: str, category: str = "questions", **more: object) -> int:
        address = self.send("/forum/new", category=category, title=title, text=text, **more)
        return int(address.split("/")[2])

    def hears(self) -> set[str]:
        """Kinds of news."""
        found = self.ask("GET", "/api/notifications")
        return {one["kind"] for one in [*found["unread"], *found["earlier"]]}


class Town:
    """A hub on PostgreSQL that can be stopped and started again, and its members."""

    def __init__(self, home: Path, office: Office) -> None:
        self.home, self.office, self.port = home, office, free_port()
        (home / "llmos.toml").write_text(
            f"[community]\npace = 0\n[server]\npublic_url = 'http://127.0.0.1:{self.port}'\n"
            f"[mail]\nurl = 'smtp://127.0.0.1:{office.port}'\nsender = 'hub@hub.example'\n"
        )
        self.process, self.url = start_hub(home, port=self.port)
        self.browsers: list[httpx2.Client] = []

    def person(self, name: str, *options: str) -> Person:
        address = ("--email", f"{name}@people.example")
        run_llmos(
            self.home,
            *("users", "create", name, "--password-stdin", *address, *options),
            stdin=f"{PASSWORD}\n",
        )
        token = run_llmos(self.home, "tokens", "create", name, "--name", "t", "--role", "write")
        browser = httpx2.Client(base_url=self.url, timeout=30, headers={"Origin": self.url})
        self.browsers.append(browser)
        made = Person(name, token.strip(), browser)
        made.sign_in()
        return made

    def tell(self, sql: str) -> None:
        with psycopg.connect(databases.url_of(self.home)) as database:
            database.execute(sql.encode())


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One for both tests; its rows are in a PostgreSQL, whatever those of other tests are in."""
    office = Office(free_port())
    controller = Controller(office, hostname="127.0.0.1", port=office.port)
    controller.start()
    home = tmp_path_factory.mktemp("postgres") / "home"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "LLMOS_TEST_DATABASE", "postgresql")
        made = Town(home, office)
        yield made
        for browser in made.browsers:
            browser.close()
        stop_hub(made.process)
    controller.stop()
    assert not (home / "llmos.sqlite3").exists()


def test_a_hub_on_postgresql_takes_and_gives_repositories(town: Town, tmp_path: Path) -> None:
    eve = town.person("eve")
    api = HfApi(endpoint=town.url, token=eve.token)
    api.create_repo("eve/first")
    card = b"---\nlicense: apache-2.0\ntags: [tiny]\n---\n# First\n"
    api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id="eve/first")

    assert api.model_info("eve/first").card_data.license == "apache-2.0"
    wait_until(lambda: [m.id for m in api.list_models(filter="license:apache-2.0")])
    got = api.hf_hub_download("eve/first", "README.md", cache_dir=tmp_path / "cache")
    assert Path(got).read_bytes() == card

    jobs = Jobs(town.url, eve.token, "eve")
    job = jobs.file(wish(new_data(api), "eve/made", labels={"name": "first"}))
    assert jobs.wait(job)["status"]["stage"] == "COMPLETED"
    assert [one.id for one in api.list_jobs(namespace="eve", labels={"name": "first"})] == [job]


def test_every_community_room_works_on_postgresql(town: Town) -> None:
    boss, ada, bob = town.person("boss", "--admin"), town.person("ada"), town.person("bob")
    question = talks(ada, bob)
    arranges(boss, ada, bob, question)
    publishes(ada, bob)
    holds_back(boss, town.person("nia"), ada)
    follows(ada, bob)
    discusses(ada, bob)
    helps(ada, bob)
    moderates(boss, ada, bob, question)
    finds(ada)
    write_at_once(town, boss, ada, bob, question)
    is_told(ada, bob)
    gets_a_digest(town, ada, bob, question)
    leaves(bob, ada, question)


def talks(ada: Person, bob: Person) -> int:
    """Ask, answer, react, vote, accept, edit, keep; both languages."""
    thread = ada.opens(
        "Which batch size for a 小模型?",
        "My loss jumps at step 300. @bob do you know?",
        tags="evaluation, 训练",
        poll_question="Which one?",
        poll_choices="32\n64\n128",
    )
    first = ada.posts(thread)[0]["id"]
    bob.send(f"/posts/{first}/vote", choice="1")
    bob.send(f"/posts/{first}/react", thanks="1")
    bob.send(f"/posts/{first}/bookmark", on="1")
    bob.send(f"/threads/{thread}/reply", text="Take 64, and warm up. 先预热。", key="k1")
    bob.send(f"/threads/{thread}/reply", text="Take 64, and warm up. 先预热。", key="k1")
    answer = bob.posts(thread)[1]["id"]
    assert len(bob.posts(thread)) == 2
    ada.send(f"/threads/{thread}/reply", text="Thank you!", reply_to=answer)
    ada.send(f"/posts/{answer}/accept", on="1", seen="")
    ada.ask("PATCH", f"/api/posts/{first}", json={"text": "It jumps at 400. @bob?", "edits": 0})
    ada.ask("PUT", f"/api/posts/{answer}/reactions/thanks")
    ada.send(f"/threads/{thread}/read", number="3")
    shown = bob.page(f"/t/{thread}")
    assert "<meter" in shown
    assert "It jumps at 400" in shown
    assert "300" in bob.page(f"/posts/{first}/history")
    for path in ("/forum", "/forum/c/questions", "/forum/unanswered", "/forum/tags", "/bookmarks"):
        bob.page(path)
    assert "batch size" in bob.page("/forum/tags/evaluation")
    assert "batch size" in bob.page("/forum.atom")
    return thread


def arranges(boss: Person, ada: Person, bob: Person, question: int) -> None:
    """Move, split and merge; posts keep their rows, and old addresses lead on."""
    thread = ada.opens("A mixed bag", "Two things in one.", "discussion")
    for text in ("About the first.", "About the second.", "Also about the second."):
        bob.send(f"/threads/{thread}/reply", text=text)
    posts = [post["id"] for post in bob.posts(thread)]
    boss.send(f"/t/{thread}/move", category="show", seen="discussion")
    made = boss.send(
        f"/t/{thread}/split", post=posts[2:], title="The second thing", category="discussion"
    )
    second = int(made.split("/")[2])
    assert [post["id"] for post in bob.posts(second)][:2] == posts[2:]
    boss.send(f"/t/{second}/merge", into=f"/t/{thread}/x")
    assert set(posts) <= {post["id"] for post in bob.posts(thread)}
    assert str(bob.browser.get(f"/t/{second}").headers["location"]).startswith(f"/t/{thread}")
    boss.send(f"/threads/{question}/pin", on="1")
    boss.send(f"/threads/{thread}/close", on="1")


def publishes(ada: Person, bob: Person) -> None:
    """An article now, and one at its hour."""
    said = {"title": "What we measured", "text": "## One\n\nNumbers.", "series": "Notes"}
    address = ada.send("/blog/new", **said, tags="evaluation")
    ada.send(f"{address}/invite", name="bob")
    bob.send(f"{address}/accept")
    assert "preview" in ada.page(ada.send(f"{address}/share"))
    ada.send(f"{address}/publish")
    later = ada.send(
        "/blog/new", title="测量之后", text="第二部分。", series="Notes", language="zh"
    )
    at = datetime.now(UTC) + timedelta(seconds=2)
    ada.send(f"{later}/publish", publish_at=at.isoformat())
    assert not bob.sees(later)

    wait_until(lambda: bob.sees(later))
    for path in ("/blog", "/blog/ada", "/blog.atom", "/blog/drafts", f"{address}.bib"):
        assert "measured" in ada.page(path)


def holds_back(boss: Person, nia: Person, ada: Person) -> None:
    """What somebody new wrote waits for a moderator."""
    nia.send("/notes/new", text="Exactly the same words, said twice by somebody new.")
    held = nia.send(
        "/blog/new", title="Again", text="Exactly the same words, said twice by somebody new."
    )
    nia.send(f"{held}/publish")
    assert not ada.sees(held)
    wait_until(lambda: "/moderation/posts/" in boss.page("/moderation"))
    (post,) = re.findall(r"/moderation/posts/(\d+)", boss.page("/moderation"))[:1]
    boss.send(f"/moderation/posts/{post}", act="approve", seen="0")
    assert ada.sees(held)


def follows(ada: Person, bob: Person) -> None:
    """Who follows somebody finds her deeds in the feed."""
    bob.send("/follow", what="ada", on="yes")
    bob.send("/follow", what="tags/evaluation", on="yes")
    assert bob.ask("GET", "/api/users/ada/followers")[0]["user"] == "bob"
    ada.send("/notes/new", text="Warm-up helps, **always**. 预热总有用。", tags="evaluation")
    wait_until(lambda: "Warm-up helps" in bob.page("/feed"))
    wait_until(lambda: "What we measured" in bob.page("/feed"))
    for path in (
        "/ada",
        "/followers/ada",
        "/following/bob",
        "/contributions/ada",
        "/feed/ada.atom",
    ):
        bob.page(path)


def discusses(ada: Person, bob: Person) -> None:
    """A discussion, and a change request that is merged."""
    api = HfApi(endpoint=str(ada.browser.base_url), token=ada.token)
    api.create_repo("ada/model")
    theirs = HfApi(endpoint=str(bob.browser.base_url), token=bob.token)
    talk = theirs.create_discussion("ada/model", title="Which data? 用了什么数据？")
    api.comment_discussion("ada/model", talk.num, "Numerals.")
    api.change_discussion_status("ada/model", talk.num, "closed")
    change = theirs.upload_file(
        path_or_fileobj=b"It counts.\n",
        path_in_repo="notes.txt",
        repo_id="ada/model",
        create_pr=True,
        commit_message="Say what it is",
    )
    api.merge_pull_request("ada/model", int(str(change.pr_num)))
    assert {one.status for one in api.get_repo_discussions("ada/model")} == {"closed", "merged"}
    assert "用了什么数据" in bob.page(f"/ada/model/discussions/{talk.num}")
    assert "Say what it is" not in bob.page("/ada/model/discussions")  # it is merged


def helps(ada: Person, bob: Person) -> None:
    """A first task is offered, taken and found done."""
    task = ada.send(
        "/ada/model/first-tasks/new",
        title="Write a Chinese card",
        text="Say what the model does.",
        skill=re.findall(
            r'<option value="(\w+)"',
            ada.page("/ada/model/first-tasks/new").split('name="skill"')[1],
        )[0],
        minutes="30",
        mentor="ada",
        check="file",
        path="README.zh.md",
    )
    bob.send(task, deed="take")
    api = HfApi(endpoint=str(ada.browser.base_url), token=ada.token)
    api.upload_file(
        path_or_fileobj="# 卡片\n".encode(), path_in_repo="README.zh.md", repo_id="ada/model"
    )
    bob.send(task, deed="check")
    for path in (task, "/first-tasks", "/start", "/tour", "/guides", "/examples"):
        bob.page(path)
    assert "Write a Chinese card" in bob.page("/first-tasks")


def moderates(boss: Person, ada: Person, bob: Person, question: int) -> None:
    """Reported, hidden, shown again; a level is given."""
    post = bob.posts(question)[2]["id"]
    bob.send(f"/posts/{post}/report", reason="off-topic")
    assert f"/moderation/posts/{post}" in boss.page("/moderation")
    boss.page(f"/moderation/posts/{post}")
    boss.send(f"/moderation/posts/{post}", act="hide", seen="0", reason="off-topic")
    assert post not in [one["id"] for one in bob.posts(question)]
    seen = re.search(r'name="seen" value="(\d+)"', boss.page(f"/moderation/posts/{post}"))
    assert seen
    boss.send(f"/moderation/posts/{post}", act="show", seen=seen[1])
    assert post in [one["id"] for one in bob.posts(question)]
    boss.send("/moderation/members/bob/level", level="2")
    boss.page("/moderation/members/bob")
    assert "does not belong here" in boss.page("/moderation/log")


def finds(ada: Person) -> None:
    """Words and filters, in both languages, over all kinds of things."""

    def titles(q: str) -> list[str]:
        found = ada.ask("GET", "/api/search", params={"q": q})["conversations"]
        return [one["title"] for one in found]

    wait_until(lambda: "Which batch size for a 小模型?" in titles("warm up"))
    wait_until(lambda: "Which batch size for a 小模型?" in titles("预热"))
    wait_until(lambda: "测量之后" in titles("测量"))
    assert titles("author:bob solved:yes batch") or titles("solved:yes")
    wait_until(lambda: "Which data? 用了什么数据？" in titles("数据"))
    assert "Which batch size" in ada.page("/search?q=batch")


def write_at_once(town: Town, boss: Person, ada: Person, bob: Person, thread: int) -> None:
    """Whatever they do to the same posts in one moment, none waits for another in a ring."""
    one, two, *_rest = (post["id"] for post in ada.posts(thread) if not post["deed"])

    def answering() -> None:
        path = f"/api/threads/{thread}/posts"
        bob.ask("POST", path, json={"text": f"{time.monotonic()}", "replyTo": two})

    def reacting(who: Person, post: int) -> Callable[[], None]:
        def react() -> None:
            for method in ("PUT", "DELETE"):
                who.ask(method, f"/api/posts/{post}/reactions/heart")

        return react

    def moderating() -> None:
        found = re.search(r'name="seen" value="(\d+)"', boss.page(f"/moderation/posts/{two}"))
        seen, act = found[1] if found else "0", next(acts)
        boss.send(f"/moderation/posts/{two}", act=act, seen=seen, reason="off-topic")

    acts = cycle(["hide", "show"])
    reacts = (reacting(ada, two), reacting(bob, one), reacting(boss, one))
    together([answering, *reacts], seconds=3)
    together([moderating, *reacts[1:]], seconds=2)
    assert run_llmos(town.home, "doctor")


def together(deeds: Iterable[Callable[[], None]], *, seconds: float) -> None:
    """Do each again and again for some seconds, all at the same time."""
    end = time.monotonic() + seconds

    def again(deed: Callable[[], None]) -> None:
        while time.monotonic() < end:
            deed()

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(again, deed) for deed in deeds]:
            done.result()


def is_told(ada: Person, bob: Person) -> None:
    wait_until(lambda: {"mention", "accepted"} <= bob.hears())
    wait_until(lambda: "reply" in ada.hears())
    assert "batch size" in ada.page("/notifications")
    ada.send("/notifications/seen", all="1", upto="999999")
    assert ada.ask("GET", "/api/notifications/unread") == {"unread": 0}


def gets_a_digest(town: Town, ada: Person, bob: Person, question: int) -> None:
    """At the hour that she chose, with what she missed; the hub was stopped meanwhile."""
    hour = str(datetime.now(UTC).hour)
    wishes = {"digest": "daily", "digest_hour": hour, "digest_day": "0", "language": "en"}
    bob.send("/settings/notifications", **wishes, **{"post-app": "on", "post-digest": "on"})
    bob.send(f"/threads/{question}/watch", level="3")
    ada.send(f"/threads/{question}/reply", text="It worked with 64.")
    wait_until(lambda: "post" in bob.hears())
    stop_hub(town.process)
    town.tell("UPDATE accounts_user SET date_joined = now() - interval '2 days'")
    town.process, _url = start_hub(town.home, port=town.port)
    sent = "SELECT 1 FROM notifications_letter WHERE kind = 'digest' AND state = 'sent'"
    wait_until(lambda: databases.rows(town.home, sent))
    text = town.office.mails_to("bob@people.example")[-1].get_body(("plain",))
    assert text is not None
    assert "Which batch size" in text.get_content()


def leaves(bob: Person, ada: Person, question: int) -> None:
    """Her data in an archive, then her account and her words are gone."""
    bob.send("/settings/data/export")
    wait_until(lambda: "/settings/data/export/fetch" in bob.page("/settings/data"))
    archive = zipfile.ZipFile(io.BytesIO(bob.post("/settings/data/export/fetch").content))
    assert any(
        "先预热" in archive.read(name).decode("utf-8", "ignore") for name in archive.namelist()
    )
    bob.send("/accounts/reauthenticate/", password=PASSWORD)
    bob.page("/settings/data/delete")
    left = bob.post("/settings/data/delete", name="bob", removes_text="1")
    assert left.status_code == 200, left.headers
    wait_until(lambda: not ada.sees("/bob"))
    wait_until(lambda: "预热" not in str(ada.posts(question)))
    assert "It jumps at 400" in ada.page(f"/t/{question}")
