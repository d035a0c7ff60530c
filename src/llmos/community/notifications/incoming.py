"""Answers by mail: from the bytes that a mail server brings to a post, or to a clear refusal.

The address says who may answer what; the sender must be that member's, too. What was quoted,
and the signature, are left out. The same mail twice is one post.
"""

import html
import re
from collections.abc import Iterable
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import getaddresses, parseaddr
from hashlib import sha256
from importlib.util import find_spec

import nh3
from django.utils.translation import gettext as _

from llmos.accounts.access import viewer_of_user
from llmos.accounts.models import User
from llmos.community.notifications.errors import (
    AnswerAutomatic,
    AnswerFromElsewhere,
    AnswerTooLarge,
    AnswerUnaddressed,
    AnswerUnreadable,
)
from llmos.community.notifications.queries import addresses_of
from llmos.community.notifications.tokens import read_reply_address
from llmos.community.threads.access import post_for
from llmos.community.threads.actions import write_post
from llmos.community.threads.models import Post
from llmos.kit.errors import Broken

LONGEST_READ = 20_000  # characters; what a member wrote stands before what she quotes
LARGEST_MAIL = 2 * 2**20  # bytes; attachments are not taken, so words alone have to fit
_RECIPIENT_FIELDS = ("Delivered-To", "X-Original-To", "To", "Cc")
_AUTOMATIC_PRECEDENCE = {"auto_reply", "bulk", "junk", "list"}
_LINE_END = re.compile(r"<(?:br|/p|/div|/li|/h\d)\b[^>]*>", re.IGNORECASE)
_BLANKS = re.compile(r"\n(?:[^\S\n]*\n){3,}")
# What Chinese mail programs set before a quote; the library knows few of them.
_QUOTE_BEGINS = re.compile(
    r"^[> ]*(?:.{0,300}写道[:：]|-{3,} ?(?:原始邮件|回复的原邮件) ?-{3,}|At .{0,300} wrote:)\s*$",
    re.MULTILINE,
)
_GAPS = re.compile(r"[^\S\n]{5,}")
_LANGUAGES = ["en", "zh", "ja", "ko", "de", "fr", "es", "it", "nl", "pl", "sv", "da", "cs"]


def is_available() -> bool:
    """Whether the extra `mail` is installed."""
    return find_spec("mailparser_reply") is not None


def take_answer(raw: bytes, *, recipients: Iterable[str] = (), sender: str | None = None) -> Post:
    """Write the answer that a mail holds. `recipients` and `sender` are those of its envelope.

    Raises AnswerTooLarge, AnswerUnreadable, AnswerAutomatic, AnswerUnaddressed,
    AnswerFromElsewhere, and what `write_post` raises.
    """
    if not is_available():
        raise Broken("Answers by mail need llmos[mail]: pip install 'llmos[mail]'")
    if len(raw) > LARGEST_MAIL:
        raise AnswerTooLarge(
            _("The mail is over %(n)d kB; put files into a post on its page")
            % {"n": LARGEST_MAIL // 1000}
        )
    mail = _parsed(raw)
    _refuse_automatic(mail, sender)
    user_id, post_id = _addressed(mail, recipients)
    user = _sender(mail, user_id)
    post = post_for(viewer_of_user(user), post_id)
    return write_post(
        viewer_of_user(user),
        thread=post.thread,
        reply_to=post,
        text=_own_words(mail),
        key=_key(mail, raw),
    )


def _parsed(raw: bytes) -> EmailMessage:
    try:
        mail = message_from_bytes(raw, policy=policy.default)
    except (MessageError, ValueError) as error:
        raise AnswerUnreadable(_("This is not a mail")) from error
    if not isinstance(mail, EmailMessage) or not mail.keys():
        raise AnswerUnreadable(_("This is not a mail"))
    return mail


def _refuse_automatic(mail: EmailMessage, sender: str | None) -> None:
    """RFC 3834: what a machine wrote is no answer, and must not be answered either."""
    submitted = str(mail.get("Auto-Submitted", "no")).partition(";")[0].strip().lower()
    precedence = str(mail.get("Precedence", "")).strip().lower()
    marks = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply", "List-Id", "X-Failed-Recipients")
    if (
        submitted != "no"
        or precedence in _AUTOMATIC_PRECEDENCE
        or any(mark in mail for mark in marks)
        or sender == ""
        or str(mail.get("Return-Path", "x")).strip() == "<>"
        or mail.get_content_type() == "multipart/report"
    ):
        raise AnswerAutomatic(_("This mail was sent by a machine, so it is no answer"))


def _addressed(mail: EmailMessage, recipients: Iterable[str]) -> tuple[int, int]:
    """Member and post, from the first of its addresses that is ours."""
    named = [str(field) for name in _RECIPIENT_FIELDS for field in mail.get_all(name, [])]
    refused = AnswerUnaddressed(_("None of the recipients is an address that takes answers"))
    for _name, address in getaddresses([*recipients, *named]):
        if address.lower().startswith("reply+"):
            try:
                return read_reply_address(address)
            except (AnswerUnaddressed, ValueError) as error:
                refused = error if isinstance(error, AnswerUnaddressed) else refused
    raise refused


def _sender(mail: EmailMessage, user_id: int) -> User:
    address = parseaddr(str(mail.get("From", "")))[1].lower()
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or address not in addresses_of(user_id):
        raise AnswerFromElsewhere(
            _("Send the answer from the address to which the mail came; %(address)s is another")
            % {"address": address[:200] or "?"}
        )
    return user


def _own_words(mail: EmailMessage) -> str:
    """What the member wrote herself. Raises AnswerUnreadable when that is nothing."""
    # The library's patterns take long over blanks without end.
    text = _BLANKS.sub("\n\n\n", _text(mail)[:LONGEST_READ])
    text = _QUOTE_BEGINS.split(text, maxsplit=1)[0]
    words = _unquoted(_as_written(text, _reply_in(text)))
    if not words.strip():
        raise AnswerUnreadable(_("The mail has no words besides what it quotes"))
    return words


def _reply_in(text: str) -> list[str]:
    """The lines before what mail programs add, in many languages; without their blank edges."""
    from mailparser_reply import EmailMessage as Parsed

    parsed = Parsed(
        text=_GAPS.sub(" ", text), languages=list(_LANGUAGES), keep_hyphen_lists=True
    ).read()
    body: str = parsed.replies[0].body if parsed.replies else ""
    return body.replace("\u200b", "").split("\n")


def _as_written(text: str, kept: list[str]) -> str:
    """The same lines with the blanks before them, which code and lists live on."""
    lines = text.replace("\u200b", "").lstrip("\n").split("\n")
    while lines and not lines[0].strip():
        del lines[0]
    same = [
        one for one, other in zip(lines, kept, strict=False) if _GAPS.sub(" ", one).strip() == other
    ]
    return "\n".join(same if len(same) == len(kept) else kept)


def _unquoted(text: str) -> str:
    """Without quotes before and after; those between the member's words stay."""
    lines = text.split("\n")
    for end in (0, -1):
        while lines and (not lines[end].strip() or lines[end].lstrip().startswith(">")):
            del lines[end]
    return "\n".join(lines)


def _text(mail: EmailMessage) -> str:
    try:
        part = mail.get_body(preferencelist=("plain", "html"))
        content = str(part.get_content()) if part is not None else ""
    except (LookupError, UnicodeError, KeyError, ValueError) as error:
        raise AnswerUnreadable(_("The mail's text cannot be read")) from error
    if part is not None and part.get_content_subtype() == "html":
        content = _from_html(content)
    return content.replace("\r\n", "\n")


def _from_html(content: str) -> str:
    """Its words; what is quoted in it stands in blockquotes."""
    broken = _LINE_END.sub("\n", content)
    quoted = {"script", "style", "head", "title", "blockquote"}
    return html.unescape(nh3.clean(broken, tags=set(), attributes={}, clean_content_tags=quoted))


def _key(mail: EmailMessage, raw: bytes) -> str:
    """The mail's own name, for the same one delivered twice."""
    name = str(mail.get("Message-ID", "")).strip().encode() or raw
    return f"mail:{sha256(name).hexdigest()[:48]}"
