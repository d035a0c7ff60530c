"""Answers by mail: which are written, and which are refused with a reason."""

from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from time import process_time

import pytest
from tests.community.notifications.rows import answer, member, topic

from llmos.accounts.access import Viewer
from llmos.community.notifications.errors import (
    AnswerAutomatic,
    AnswerFromElsewhere,
    AnswerTooLarge,
    AnswerUnaddressed,
    AnswerUnreadable,
)
from llmos.community.notifications.incoming import LARGEST_MAIL, take_answer
from llmos.community.notifications.tokens import reply_address
from llmos.community.threads.actions import set_closed
from llmos.community.threads.errors import ThreadClosed
from llmos.community.threads.models import Post
from llmos.kit.errors import Refusal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mailing")]

WORDS = """Use 32,000 pieces.

- fewer for small data
- more for 中文

On Thu, Nov 26, 2026 at 09:00 LLMOS <hub@hub.example> wrote:

> How many pieces?
>
> --
> This mail is for ada
"""


@pytest.fixture
def ada() -> Viewer:
    return member("ada", email="ada@mail.example")


@pytest.fixture
def post(ada: Viewer) -> Post:
    bob = member("bob")
    thread = topic(ada, "Pieces")
    return answer(bob, thread, "How many pieces?")


Written = Callable[..., EmailMessage]


@pytest.fixture
def written(ada: Viewer, post: Post) -> Written:
    def make(text: str = WORDS, **fields: str) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = fields.pop("sender", "Ada <ADA@mail.example>")
        mail["To"] = fields.pop("to", reply_address(user_id=ada.user_id or 0, post_id=post.pk))
        mail["Subject"] = "Re: Pieces"
        mail["Message-ID"] = fields.pop("name", "<1@mail.example>")
        for name, value in fields.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        return mail

    return make


def test_an_answer_becomes_a_post_without_what_it_quotes(post: Post, written: Written) -> None:
    made = take_answer(written().as_bytes())

    assert made.text == "Use 32,000 pieces.\n\n- fewer for small data\n- more for 中文"
    assert (made.author.username if made.author else "") == "ada"
    assert made.reply_to_id == post.pk
    assert made.thread_id == post.thread_id


def test_the_same_mail_twice_is_one_post(post: Post, written: Written) -> None:
    first = take_answer(written().as_bytes())
    assert take_answer(written().as_bytes()) == first
    assert take_answer(written(name="<2@mail.example>").as_bytes()) != first


@pytest.mark.parametrize(
    "header",
    [
        "在 2026年11月26日，LLMOS <hub@hub.example> 写道：",
        "LLMOS <hub@hub.example> 于2026年11月26日周四 15:16写道:",
        "------------------ 原始邮件 ------------------\n发件人: LLMOS <hub@hub.example>",
        "发件人: LLMOS <hub@hub.example>\n发送时间: 2026年11月26日\n收件人: ada\n主题: x",
        'At 2026-11-26 15:16:00, "LLMOS" <hub@hub.example> wrote:',
    ],
)
def test_chinese_clients_quote_in_their_own_words(written: Written, header: str) -> None:
    text = f"三万二就够了。\n\n{header}\n\n> 多少？\n"
    assert take_answer(written(text).as_bytes()).text == "三万二就够了。"


def test_a_mail_of_html_alone_gives_its_words(written: Written) -> None:
    mail = written()
    mail.set_content(
        "<p>Use <b>BPE</b> &amp; rest.</p><p>Good luck</p><blockquote>old</blockquote>"
        "<style>p{}</style><script>alert(1)</script>",
        subtype="html",
    )
    assert take_answer(mail.as_bytes()).text.split("\n") == ["Use BPE & rest.", "Good luck"]


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"sender": "eve@mail.example"}, AnswerFromElsewhere),
        ({"to": "reply+1-1-zz-0123456789abcdef01234567@in.hub.example"}, AnswerUnaddressed),
        ({"to": "reply+@in.hub.example"}, AnswerUnaddressed),
        ({"to": "somebody@in.hub.example"}, AnswerUnaddressed),
        ({"Auto_Submitted": "auto-replied (vacation)"}, AnswerAutomatic),
        ({"Precedence": "auto_reply"}, AnswerAutomatic),
        ({"X_Autoreply": "yes"}, AnswerAutomatic),
        ({"Return_Path": "<>"}, AnswerAutomatic),
        ({"text": "> only\n> quoted\n"}, AnswerUnreadable),
    ],
)
def test_what_is_no_answer_is_refused(
    written: Written, fields: dict[str, str], refusal: type[Refusal]
) -> None:
    before = Post.objects.count()
    with pytest.raises(refusal):
        take_answer(written(**fields).as_bytes())
    assert Post.objects.count() == before


def test_an_address_ends_after_a_time(
    ada: Viewer, post: Post, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = written().as_bytes()
    monkeypatch.setattr("llmos.community.notifications.tokens.time.time", lambda: 4e9)
    with pytest.raises(AnswerUnaddressed, match="90 days"):
        take_answer(mail)


def test_lower_case_addresses_are_read_as_well(written: Written, ada: Viewer, post: Post) -> None:
    address = reply_address(user_id=ada.user_id or 0, post_id=post.pk)
    assert len(address.partition("@")[0]) <= 64
    assert take_answer(written(to=address.lower()).as_bytes())


def test_a_large_mail_and_bytes_that_are_none_are_refused(written: Written) -> None:
    with pytest.raises(AnswerTooLarge):
        take_answer(written("x" * LARGEST_MAIL).as_bytes())
    for raw in (b"", b"\xff\xfe\x00", b"no mail at all"):
        with pytest.raises((AnswerUnreadable, AnswerUnaddressed)):
            take_answer(raw)


def test_a_closed_thread_takes_no_mail_either(ada: Viewer, post: Post, written: Written) -> None:
    set_closed(thread=post.thread, user_id=ada.user_id or 0, closed=True)
    with pytest.raises(ThreadClosed):
        take_answer(written().as_bytes())


def test_code_and_lists_keep_their_shape_and_signatures_go(written: Written) -> None:
    text = "Try:\n\n```\nfor one in all:\n    print(one)\n```\n\n- a\n  - b\n\n-- \nAda\n"
    assert take_answer(written(text).as_bytes()).text == text.partition("\n\n-- ")[0]


@pytest.mark.parametrize(
    "piece", [" \n", "\u00a0", "x" + " " * 5000 + "y", "> ", "a\n\n\n", "--\n"]
)
def test_nasty_blanks_do_not_keep_the_reader_busy(written: Written, piece: str) -> None:
    before = process_time()
    with suppress(Refusal):
        take_answer(written("words " + piece * (20_000 // len(piece))).as_bytes())
    assert process_time() - before < 3
