"""Mails: what is in them, when they go, and that each goes at most once. The server is real."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from tests.community.notifications.conftest import Office
from tests.community.notifications.rows import (
    CATEGORY,
    answer,
    later,
    member,
    naming,
    settled,
    topic,
    user_of,
    watches,
)

from llmos.accounts.access import Viewer
from llmos.accounts.models import User
from llmos.community.notifications import digests, letters
from llmos.community.notifications.actions import Wishes, mark_all_seen, save_wishes, set_quiet
from llmos.community.notifications.kinds import DEFAULTS
from llmos.community.notifications.models import Letter, Notification, Preferences
from llmos.community.notifications.queries import preferences_of
from llmos.community.threads.actions import set_post_state
from llmos.community.threads.models import State, Thread, Watch
from llmos.kit.time import now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mailing")]

ADDRESS = "ada@mail.example"


@pytest.fixture
def ada() -> Viewer:
    return member("ada", email=ADDRESS)


@pytest.fixture
def bob() -> Viewer:
    return member("bob", email="bob@mail.example")


def speak(viewer: Viewer, language: str) -> None:
    Preferences.objects.update_or_create(pk=viewer.user_id, defaults={"page_language": language})


def answered(ada: Viewer, bob: Viewer, *words: str) -> Thread:
    thread = topic(ada, "Which tokeniser?")
    for text in words or ("Use BPE & be happy <b>",):
        answer(bob, thread, text)
    settled()
    return thread


def states() -> list[str]:
    return list(Letter.objects.order_by("pk").values_list("state", flat=True))


def test_an_answer_is_mailed_after_a_grace_with_all_that_came_meanwhile(
    ada: Viewer, bob: Viewer, mailing: Office
) -> None:
    thread = answered(ada, bob, "First & <b>", "Second")
    letters.send_due()
    assert mailing.taken == []

    later()
    assert letters.send_due() is None

    (mail,) = mailing.mails_to(ADDRESS)
    assert mail["Subject"] == "[LLMOS] Which tokeniser?"
    assert mail["From"] == "LLMOS <hub@hub.example>"
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert text.index("First & <b>") < text.index("Second")
    assert f"https://hub.example{thread.address}#post-2" in text
    assert "<p>First &amp; <b></b></p>" in html
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Precedence"] == "bulk"
    assert mail["References"] == mail["In-Reply-To"] == f"<thread-{thread.pk}@hub.example>"
    assert mail["Message-ID"].endswith("@hub.example>")
    assert mail["Reply-To"].startswith("reply+")
    assert mail["Reply-To"].endswith("@in.hub.example")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    later()
    letters.send_due()
    assert len(mailing.taken) == 1


def test_a_mail_shows_what_was_written_as_the_page_does(
    ada: Viewer, bob: Viewer, mailing: Office
) -> None:
    answered(ada, bob, "**Try** [this](/forum)\n\n[ada](/ada)", "But $x^2$ stays $x^2$ <script>")
    later()
    letters.send_due()

    html = mailing.mails_to(ADDRESS)[0].get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "<strong>Try</strong>" in html
    assert 'href="https://hub.example/forum"' in html
    assert 'href="https://hub.example/ada"' in html
    assert not set("\ue000\ue001\ue002\ue003") & set(html)
    assert "But $x^2$ stays $x^2$ &lt;script&gt;" in html


def test_a_mail_speaks_the_language_of_the_members_pages(
    ada: Viewer, bob: Viewer, mailing: Office
) -> None:
    speak(ada, "zh-hans")
    answered(ada, bob)
    later()
    letters.send_due()

    (mail,) = mailing.mails_to(ADDRESS)
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert '<html lang="zh-Hans">' in html
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "不再接收这类邮件: http" in text
    assert "设置: http" in text


def test_one_click_ends_the_mails_of_a_kind_without_signing_in(
    ada: Viewer, bob: Viewer, mailing: Office, client: Client
) -> None:
    answered(ada, bob)
    later()
    letters.send_due()
    link = mailing.mails_to(ADDRESS)[0]["List-Unsubscribe"].strip(" <>")
    path = link.removeprefix("https://hub.example")

    assert (
        Client(enforce_csrf_checks=True, headers={"host": "localhost"})
        .post(path, {"List-Unsubscribe": "One-Click"})
        .status_code
        == 200
    )

    assert "mail" not in preferences_of(ada.user_id or 0).channels("reply")
    assert "mail" in preferences_of(ada.user_id or 0).channels("mention")
    answered(ada, bob)
    later()
    letters.send_due()
    assert len(mailing.taken) == 1


@pytest.mark.parametrize("path", ["/unsubscribe/nonsense", "/unsubscribe/WzEsICJub3ciXQ:x:y"])
def test_a_made_up_link_ends_nothing(path: str) -> None:
    assert Client(headers={"host": "localhost"}).post(path).status_code == 410


def test_what_was_seen_hidden_or_became_unverified_is_not_mailed(
    ada: Viewer, bob: Viewer, mailing: Office
) -> None:
    answered(ada, bob)
    mark_all_seen(ada.user_id or 0, upto=10**9)
    thread = answered(ada, bob)
    set_post_state(post=thread.posts.get(number=2), state=State.HIDDEN, reason="spam")
    later()

    letters.send_due()

    assert mailing.taken == []
    assert set(states()) == {Letter.State.EMPTY}


def test_only_a_verified_address_gets_mail(ada: Viewer, bob: Viewer, mailing: Office) -> None:
    user_of(ada).emailaddress_set.update(verified=False)
    answered(ada, bob)

    assert not Notification.objects.filter(user_id=ada.user_id).exclude(mail="").exists()


def test_a_muted_week_has_no_mails(ada: Viewer, bob: Viewer, mailing: Office) -> None:
    set_quiet(ada.user_id or 0, quiet=True)
    answered(ada, bob)
    later()
    letters.send_due()

    assert mailing.taken == []
    assert Notification.objects.filter(user_id=ada.user_id).count() == 1


def test_what_the_server_surely_did_not_take_is_tried_again(
    ada: Viewer, bob: Viewer, mailing: Office
) -> None:
    mailing.refusal = "451 4.3.0 come back later"
    answered(ada, bob)
    later()
    again_at = letters.send_due()
    assert states() == [Letter.State.AGAIN]
    assert again_at is not None
    assert again_at > now()

    mailing.refusal = ""
    letters.send_due()
    assert mailing.taken == []
    later(2)
    letters.send_due()
    assert states() == [Letter.State.SENT]
    assert len(mailing.taken) == 1


def test_a_refusal_for_good_is_not_tried_again(ada: Viewer, bob: Viewer, mailing: Office) -> None:
    mailing.refusal = "550 5.1.1 no such mailbox"
    answered(ada, bob)
    later()

    assert letters.send_due() is None
    assert states() == [Letter.State.REFUSED]


def test_a_mail_that_may_have_arrived_is_never_sent_twice(
    ada: Viewer, bob: Viewer, mailing: Office
) -> None:
    mailing.hangs_up = True
    answered(ada, bob)
    later()

    assert letters.send_due() is None
    assert states() == [Letter.State.UNKNOWN]
    mailing.hangs_up = False
    later(100)
    letters.send_due()
    assert len(mailing.taken) == 1


def test_a_letter_that_a_dead_worker_had_in_hand_is_not_sent_again(
    ada: Viewer, bob: Viewer, mailing: Office
) -> None:
    answered(ada, bob)
    later()
    letters._claim_news(5)

    letters.give_up_claimed()
    letters.send_due()

    assert mailing.taken == []
    assert states() == [Letter.State.UNKNOWN]


def test_many_conversations_at_once_come_as_one_letter(
    ada: Viewer, bob: Viewer, mailing: Office
) -> None:
    for number in range(7):
        naming(topic(bob, f"Topic {number}").posts.get(), ada)
    settled()
    later()
    letters.send_due()

    (mail,) = mailing.mails_to(ADDRESS)
    assert mail["Subject"] == "[LLMOS] 7 things are new"
    assert mail["Reply-To"] is None


def joined_long_ago(viewer: Viewer) -> User:
    user = user_of(viewer)
    user.date_joined = now() - timedelta(days=60)
    user.save()
    return user


def test_a_digest_tells_what_was_missed_once_for_each_hour(
    ada: Viewer, bob: Viewer, mailing: Office
) -> None:
    joined_long_ago(ada)
    watches(ada, Watch.Kind.CATEGORY, CATEGORY, Watch.Level.FOLLOWING)
    topic(bob, "新的分词器")
    settled()

    assert digests.claim_due(after=0) is None
    digests.claim_due(after=0)
    letters.send_due()
    letters.send_due()

    (mail,) = mailing.mails_to(ADDRESS)
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert mail["Subject"] == "[LLMOS] What you missed this week"
    assert "bob begins a conversation\n  新的分词器" in text.replace("\r\n", "\n")
    assert "/unsubscribe/" in mail["List-Unsubscribe"]


def test_a_digest_leaves_out_what_became_private_and_is_not_sent_empty(
    ada: Viewer, bob: Viewer, mailing: Office
) -> None:
    joined_long_ago(ada)
    watches(ada, Watch.Kind.CATEGORY, CATEGORY, Watch.Level.FOLLOWING)
    thread = topic(bob, "Gone")
    settled()
    set_post_state(post=thread.posts.get(), state=State.REMOVED, reason="spam")

    digests.claim_due(after=0)
    letters.send_due()

    assert mailing.mails_to(ADDRESS) == []


@pytest.mark.parametrize(
    ("digest", "slot"),
    [("daily", "2026-11-26T08:00"), ("weekly", "2026-11-23T08:00"), ("off", None)],
)
def test_the_hour_of_a_digest_is_the_members_choice(
    ada: Viewer, digest: str, slot: str | None
) -> None:
    channels = {str(kind): set(ways) for kind, ways in DEFAULTS.items()}
    preferences = save_wishes(ada.user_id or 0, Wishes(channels, "", digest, 8, 0))
    thursday = datetime.fromisoformat("2026-11-26T09:00+00:00")
    user = user_of(ada)
    user.date_joined = thursday - timedelta(days=30)

    found = digests.due_slot(preferences, user, thursday)

    assert (found.strftime("%Y-%m-%dT%H:%M") if found else None) == slot
