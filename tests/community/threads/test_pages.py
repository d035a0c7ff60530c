"""What one does around posts, through the pages' own forms."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client, RequestFactory
from tests.community.keeping import answer, member, topic
from tests.pictures import picture

from llmos.accounts.access import viewer_of_user
from llmos.accounts.models import User
from llmos.community.threads.actions import Where, open_thread, react
from llmos.community.threads.addresses import POSTS_A_PAGE
from llmos.community.threads.attaching import attachment_findings, let_go, path_of
from llmos.community.threads.deeds import mark_read, set_bookmark, set_watch
from llmos.community.threads.frame import conversation
from llmos.community.threads.models import Attachment, Post, Reading, State, Thread, Watch
from llmos.community.trust.models import Distance, Level
from llmos.kit.time import now

pytestmark = pytest.mark.django_db


def browser(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


@pytest.fixture
def ada() -> User:
    return member(Level.REGULAR)


@pytest.fixture
def thread(ada: User) -> Thread:
    return topic(viewer_of_user(ada))


def attached(client: Client, name: str, content: bytes) -> HttpResponse:
    return client.post("/attachments", {"file": SimpleUploadedFile(name, content)})  # type: ignore[return-value]


def given(client: Client, address: str) -> tuple[dict[str, str], bytes]:
    """The headers and the bytes of a file."""
    response = client.get(address)
    assert response.status_code == 200
    content = b"".join(response)  # type: ignore[call-overload]  # it streams, and closes itself
    return dict(response.headers), content


def test_an_answer_leads_to_its_place_on_its_page(ada: User, thread: Thread) -> None:
    for _ in range(30):
        answer(viewer_of_user(member(admin=True)), thread)
    sent = {"text": "The thirty-second", "key": "one"}
    for _ in range(2):
        gone = browser(ada).post(f"/threads/{thread.pk}/reply", sent)
        assert gone.headers["Location"] == f"{thread.address}?page=2#post-32"
    assert Post.objects.filter(thread=thread).count() == 32


def test_a_refused_answer_is_shown_again_with_its_words(ada: User, thread: Thread) -> None:
    Thread.objects.filter(pk=thread.pk).update(closed_at=now())
    shown = browser(member()).post(f"/threads/{thread.pk}/reply", {"text": "My long work"})
    assert shown.status_code == 403
    assert "My long work" in shown.content.decode()
    assert "is closed" in shown.content.decode()


def test_strangers_are_sent_to_sign_in_and_write_nothing(thread: Thread) -> None:
    shown = browser().post(f"/threads/{thread.pk}/reply", {"text": "Words"})
    assert shown.status_code == 401
    assert thread.posts.count() == 1


def test_a_hidden_conversation_is_missing_for_others(ada: User, thread: Thread) -> None:
    Thread.objects.filter(pk=thread.pk).update(state=State.HIDDEN)
    post = thread.posts.get()
    client = browser(member())
    for address in (f"/posts/{post.pk}", f"/posts/{post.pk}/history", f"/posts/{post.pk}/quote"):
        assert client.get(address).status_code == 404
    for deed in ("react", "bookmark", "edit"):
        assert client.post(f"/posts/{post.pk}/{deed}", {"heart": "1"}).status_code == 404
    for deed in ("reply", "watch", "read"):
        assert client.post(f"/threads/{thread.pk}/{deed}", {"text": "x"}).status_code == 404


def test_an_edit_that_came_second_shows_both_texts(ada: User, thread: Thread) -> None:
    post = thread.posts.get()
    address = f"/posts/{post.pk}/edit"
    client = browser(ada)
    assert 'name="seen_edits" value="0"' in client.get(address).content.decode()
    client.post(address, {"text": "Quick words", "seen_edits": "0", "title": "A new title"})
    shown = client.post(address, {"text": "Slow words", "seen_edits": "0"})
    page = shown.content.decode()
    assert shown.status_code == 409
    assert "Quick words" in page
    assert "Slow words" in page
    assert 'name="seen_edits" value="1"' in page
    assert client.post(address, {"text": "Slow words", "seen_edits": "1"}).status_code == 302
    past = client.get(f"/posts/{post.pk}/history").content.decode()
    assert "Quick words" in past
    assert "Slow words" in past
    thread.refresh_from_db()
    assert thread.title == "A new title"


def test_reactions_and_bookmarks_work_as_buttons_and_for_scripts(ada: User, thread: Thread) -> None:
    post = thread.posts.get()
    client = browser(member())
    assert client.post(f"/posts/{post.pk}/react", {"heart": "1"}).status_code == 302
    told = client.post(
        f"/posts/{post.pk}/react", {"heart": "0"}, headers={"Accept": "application/json"}
    )
    assert told.json() == {"count": 0, "on": False}
    client.post(f"/posts/{post.pk}/bookmark", {"on": "1"})
    assert thread.title in client.get("/bookmarks").content.decode()
    Thread.objects.filter(pk=thread.pk).update(state=State.HIDDEN)
    assert thread.title not in client.get("/bookmarks").content.decode()


def test_watch_level_and_how_far_one_has_read_are_kept(thread: Thread) -> None:
    reader = member()
    client = browser(reader)
    client.post(f"/threads/{thread.pk}/watch", {"level": "3"})
    assert Watch.objects.get(user=reader, target=str(thread.pk)).level == 3
    client.post(f"/threads/{thread.pk}/watch", {"level": "0"})
    assert not Watch.objects.filter(user=reader).exists()
    assert client.post(f"/threads/{thread.pk}/watch", {"level": "9"}).status_code == 400
    client.post(f"/threads/{thread.pk}/read", {"number": "1"})
    assert Reading.objects.get(user=reader, thread=thread).last_number == 1


def test_only_moderators_close_and_pin(ada: User, thread: Thread) -> None:
    for deed in ("close", "pin"):
        assert browser(ada).post(f"/threads/{thread.pk}/{deed}", {"on": "1"}).status_code == 403
        steward = browser(member(Level.STEWARD))
        assert steward.post(f"/threads/{thread.pk}/{deed}", {"on": "1"}).status_code == 302
    thread.refresh_from_db()
    assert thread.is_pinned
    assert thread.closed_at is not None


def test_a_conversation_shows_a_reader_her_own_marks(ada: User, thread: Thread) -> None:
    reader, ignored = member(), member()
    post = answer(viewer_of_user(ada), thread)
    answer(viewer_of_user(ignored), thread, "Words by somebody ignored")
    Distance.objects.create(user=reader, other=ignored, degree=Distance.Degree.IGNORE)
    mark_read(user_id=reader.pk, thread=Thread.objects.get(pk=thread.pk), number=1)
    set_watch(viewer_of_user(reader), kind="thread", target=str(thread.pk), level=3)
    react(viewer_of_user(reader), post=post, name="thanks", on=True)
    set_bookmark(viewer_of_user(reader), post=post, on=True)
    request = RequestFactory().get(thread.address)
    request.user = reader
    talk = conversation(request, Thread.objects.get(pk=thread.pk))["talk"]
    first, second, third = talk.posts
    assert (talk.last_read, talk.watch, talk.first_unread) == (1, 3, 2)
    assert (second.mine, second.is_bookmarked, second.is_first_unread) == ({"thanks"}, True, True)
    assert (first.mine, first.is_bookmarked, third.is_folded) == (set(), False, True)
    request.user = ada
    assert conversation(request, Thread.objects.get(pk=thread.pk))["talk"].posts[1].mine == set()


def test_a_preview_shows_the_text_and_keeps_the_form_without_script(ada: User) -> None:
    client = browser(ada)
    told = client.post("/preview", {"text": "*Words*"}, headers={"Accept": "application/json"})
    assert told.json()["html"] == "<p><em>Words</em></p>\n"
    sent = {"text": "*Words*", "action": "/threads/1/reply", "key": "k", "title": "T"}
    page = client.post("/preview", sent).content.decode()
    assert "<em>Words</em>" in page
    assert 'action="/threads/1/reply"' in page
    assert "*Words*</textarea>" in page
    elsewhere = client.post("/preview", {**sent, "action": "https://evil.example/x"})
    assert "evil.example" not in elsewhere.content.decode()


def test_drafts_are_kept_listed_and_thrown_away(ada: User, thread: Thread) -> None:
    client = browser(ada)
    form = f"thread:{thread.pk}"
    kept = {"form": form, "content": {"text": "Begun and not sent"}}
    told = client.post("/drafts", json.dumps(kept), content_type="application/json")
    assert told.json() == {"kept": True}
    assert "Begun and not sent" in client.get("/drafts").content.decode()
    client.post("/drafts", {"form": form})
    assert "Begun and not sent" not in client.get("/drafts").content.decode()
    assert client.post("/drafts", "[]", content_type="application/json").status_code == 400


def test_names_and_tags_are_offered_while_one_types(ada: User) -> None:
    offered = browser(ada).get("/mentions", {"q": ada.username[:6]}).json()["offered"]
    assert any(one["name"] == ada.username for one in offered)
    assert browser(ada).get("/mentions", {"tag": "no-such"}).json() == {"offered": []}


def test_a_picture_is_shown_to_whoever_sees_its_post(ada: User, thread: Thread) -> None:
    client, other = browser(ada), browser(member())
    told = attached(client, "plot.png", picture()).json()  # type: ignore[attr-defined]
    assert told["markdown"] == f"![plot.png]({told['address']})"
    assert other.get(told["address"]).status_code == 404
    answered = client.post(f"/threads/{thread.pk}/reply", {"text": told["markdown"]})
    assert answered.status_code == 302
    post = thread.posts.get(number=2)
    assert 'width="3" height="2"' in post.html
    headers, content = given(other, told["address"])
    assert headers["Content-Type"] == "image/png"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert content == picture()
    Thread.objects.filter(pk=thread.pk).update(state=State.HIDDEN)
    assert other.get(told["address"]).status_code == 404


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("x.html", b"<script>alert(1)</script>"),
        ("x.png", b"<script>alert(1)</script>"),
        ("x.pdf", b"%PDF-1.7"),
    ],
)
def test_what_is_no_picture_is_only_handed_out(ada: User, name: str, content: bytes) -> None:
    client = browser(ada)
    told = attached(client, name, content).json()  # type: ignore[attr-defined]
    assert told["markdown"].startswith("[")
    headers, _content = given(client, told["address"])
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["Content-Type"] == "application/octet-stream"


def test_too_large_files_are_refused_with_the_limit(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmos.community.threads import attaching
    from llmos.community.trust.config import CommunitySettings

    small = CommunitySettings(attachment_limit=100)
    monkeypatch.setattr(attaching, "current", lambda section: small)
    told = attached(browser(ada), "big.bin", b"x" * 101)
    assert told.status_code == 413
    assert "at most 100" in told.json()["error"]  # type: ignore[attr-defined]


def test_files_go_with_a_form_without_script(ada: User, thread: Thread) -> None:
    sent = {"text": "Look", "files": [SimpleUploadedFile("a.png", picture())]}
    browser(ada).post(f"/threads/{thread.pk}/reply", sent)
    post = thread.posts.get(number=2)
    assert post.text.startswith("Look\n\n![a.png](/attachments/")
    assert post.attachments.count() == 1


def test_nobody_takes_somebody_elses_file_into_her_post(ada: User, thread: Thread) -> None:
    told = attached(browser(ada), "a.png", picture()).json()  # type: ignore[attr-defined]
    answer(viewer_of_user(member()), thread, told["markdown"])
    assert Attachment.objects.get(pk=told["address"].rpartition("/")[2]).post_id is None


def test_what_no_post_names_is_let_go_after_a_day(ada: User, thread: Thread) -> None:
    client = browser(ada)
    ids = []
    for name in ("named.png", "new.png", "old.png"):
        told = attached(client, name, picture()).json()  # type: ignore[attr-defined]
        ids.append(told["address"].rpartition("/")[2])
    answer(viewer_of_user(ada), thread, f"![x](/attachments/{ids[0]})")
    Attachment.objects.filter(pk__in=[ids[0], ids[2]]).update(at=now() - timedelta(days=2))
    assert let_go() == 1
    assert [path_of(one).exists() for one in ids] == [True, True, False]
    assert list(attachment_findings()) == []
    Path(path_of(ids[0])).unlink()
    assert any("missing" in finding.fault for finding in attachment_findings())


WORDS = "An hour of <thinking> & writing"


def test_who_was_signed_out_meanwhile_finds_her_words_in_the_refusal(thread: Thread) -> None:
    page = browser().post(f"/threads/{thread.pk}/reply", {"text": WORDS})
    assert page.status_code == 401
    assert "An hour of &lt;thinking&gt; &amp; writing</textarea>" in page.content.decode()


def test_a_form_that_is_too_old_gives_its_words_back(ada: User, thread: Thread) -> None:
    old = Client(enforce_csrf_checks=True)
    old.force_login(ada)
    page = old.post(f"/threads/{thread.pk}/reply", {"text": WORDS})
    assert page.status_code == 403
    assert "An hour of &lt;thinking&gt; &amp; writing</textarea>" in page.content.decode()


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (1, ["1", "2", "3", "…", "10"]),
        (4, ["1", "2", "3", "4", "5", "6", "…", "10"]),
        (6, ["1", "…", "4", "5", "6", "7", "8", "…", "10"]),
        (10, ["1", "…", "8", "9", "10"]),
    ],
)
def test_a_long_conversation_has_its_next_pages_by_number(
    ada: User, page: int, shown: list[str]
) -> None:
    where = Where(place=Thread.Place.NOTE, shelf=ada.pk)
    sent = {"title": "", "text": "A note", "address": "/notes/{id}"}
    thread = open_thread(viewer_of_user(ada), where=where, **sent)
    Thread.objects.filter(pk=thread.pk).update(last_number=10 * POSTS_A_PAGE)
    found = browser().get(thread.address, {"page": page}, follow=True).content.decode()
    numbers = re.search(r'class="pager-numbers">(.*?)</nav>', found, re.DOTALL)
    assert numbers is not None
    assert re.findall(r">(\d+|…)<", numbers[1]) == shown
    assert f'<b aria-current="page">{page}</b>' in numbers[1]
