"""Signed words in mails: the link that ends them, and the address that takes an answer.

An address may come back in lower case and has at most 64 characters before the `@`, so its
token is short and of small letters and digits.
"""

import time
from email.utils import parseaddr

from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from llmos.community.notifications.errors import AnswerUnaddressed, LinkUnknown
from llmos.kit.config import current
from llmos.store.config import MailSettings

ANSWERED_WITHIN_DAYS = 90
_STOP_SALT = "llmos.notifications.stop"
_REPLY_SALT = "llmos.notifications.reply"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_DAY_SECONDS = 86_400
_SIGNATURE = 24  # hex digits, 96 bits
_MARK = "reply+"


def stop_token(user_id: int, scope: str) -> str:
    """For a link that ends mails of a scope without signing in. It does not expire."""
    return signing.dumps([user_id, scope], salt=_STOP_SALT)


def read_stop_token(token: str) -> tuple[int, str]:
    """Raises LinkUnknown."""
    try:
        user_id, scope = signing.loads(token, salt=_STOP_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise LinkUnknown from None
    return int(user_id), str(scope)


def reply_address(*, user_id: int, post_id: int) -> str:
    """Where this member's answer to this post may be mailed; empty where none is taken."""
    domain = current(MailSettings).reply_domain
    if not domain:
        return ""
    day = int(time.time()) // _DAY_SECONDS + ANSWERED_WITHIN_DAYS
    said = "-".join(_spelled(number) for number in (user_id, post_id, day))
    return f"{_MARK}{said}-{_signature(said)}@{domain}"


def read_reply_address(address: str) -> tuple[int, int]:
    """Member and post behind an address. Raises AnswerUnaddressed."""
    local, _at, domain = parseaddr(address)[1].lower().rpartition("@")
    if domain != current(MailSettings).reply_domain.lower() or not local.startswith(_MARK):
        raise AnswerUnaddressed(_("This address takes no answers"))
    said, _dash, signature = local.removeprefix(_MARK).rpartition("-")
    if not constant_time_compare(signature, _signature(said)):
        raise AnswerUnaddressed(_("This address takes no answers"))
    user_id, post_id, day = (int(part, 36) for part in said.split("-"))
    if day * _DAY_SECONDS < time.time():
        raise AnswerUnaddressed(
            _("The mail that you answer is over %(n)d days old; write on the page instead")
            % {"n": ANSWERED_WITHIN_DAYS}
        )
    return user_id, post_id


def _signature(said: str) -> str:
    return salted_hmac(_REPLY_SALT, said, algorithm="sha256").hexdigest()[:_SIGNATURE]


def _spelled(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
