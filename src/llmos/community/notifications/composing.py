"""The words of a mail: text and HTML in the member's language, and the headers around them."""

import re
from collections.abc import Sequence
from email.utils import formataddr, parseaddr
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from markupsafe import Markup

from llmos.accounts.access import viewer_of_user
from llmos.accounts.models import User
from llmos.community.notifications.digests import top_threads
from llmos.community.notifications.kinds import FAMILIES, OF_A_POST
from llmos.community.notifications.models import Letter, Notification, Preferences
from llmos.community.notifications.queries import Bundle, rows_of
from llmos.community.notifications.speaking import hub_url, speaking
from llmos.community.notifications.tokens import reply_address, stop_token
from llmos.community.notifications.words import LONGEST_POST, family_titles, line_of
from llmos.community.threads.feeds import with_whole_addresses
from llmos.community.threads.models import Post, Thread
from llmos.community.threads.rendering import without_cards
from llmos.kit.config import current
from llmos.store.config import MailSettings, ServerSettings

MOST_LINES = 10  # of one part of a digest


def compose(
    letter: Letter,
    user: User,
    address: str,
    preferences: Preferences,
    bundles: Sequence[Bundle],
) -> EmailMultiAlternatives | None:
    """The mail that tells of these bundles; None when there is nothing to tell."""
    with speaking(preferences) as language:
        if letter.kind == Letter.Kind.DIGEST:
            return _digest(letter, user, address, preferences, bundles, language)
        return _news(letter, user, address, bundles, language) if bundles else None


def _news(
    letter: Letter, user: User, address: str, bundles: Sequence[Bundle], language: str
) -> EmailMultiAlternatives:
    """News of one conversation, oldest first, as one reads it; or of several things."""
    rows = rows_of(sorted(number for bundle in bundles for number in bundle.ids))
    people = {number: bundle.people for bundle in bundles for number in bundle.ids}
    lines = [line_of(Bundle([row.pk], [row], people[row.pk]), whole=True) for row in rows]
    kinds = {row.kind for row in rows}
    scope = kinds.pop() if len(kinds) == 1 else Letter.Kind.NOW
    threads = {row.thread_id for row in rows}
    thread = rows[0].thread if len(threads) == 1 else None
    last = rows[-1]
    answer_to = last.post_id if thread is not None and last.kind in OF_A_POST else None
    reply_to = reply_address(user_id=user.pk, post_id=answer_to) if answer_to else ""
    context = {
        "lines": lines,
        "texts": _texts(rows),
        "can_answer": bool(reply_to),
        "reason": scope,
    }
    headers = _thread_headers(letter, thread)
    subject = (thread.title if thread is not None else "") or lines[0].text
    if len(threads) > 1:
        subject = ngettext("%(n)d thing is new", "%(n)d things are new", len(lines)) % {
            "n": len(lines)
        }
    return _mail(
        "now", letter, user, address, subject, scope, context, headers, language, reply_to=reply_to
    )


def _texts(rows: Sequence[Notification]) -> dict[int, Markup]:
    """What was written as HTML, by the row's id; left out where a mail program could not show it.

    That is long texts, of which only the beginning comes along, and formulas.
    """
    said = [row for row in rows if row.kind in OF_A_POST and not row.facts.get("reason")]
    stored = dict(
        Post.objects.filter(pk__in=[row.post_id for row in said if row.post_id])
        .exclude(html__contains="<math")
        .values_list("pk", "html")
    )
    return {
        row.pk: Markup(with_whole_addresses(without_cards(stored[row.post_id]), hub_url()))  # noqa: S704 - stored text is safe
        for row in said
        if row.post_id in stored and row.post is not None and len(row.post.text) <= LONGEST_POST
    }


def _digest(
    letter: Letter,
    user: User,
    address: str,
    preferences: Preferences,
    bundles: Sequence[Bundle],
    language: str,
) -> EmailMultiAlternatives | None:
    titles = family_titles()
    parts = []
    for family, kinds in FAMILIES.items():
        found = [line_of(bundle) for bundle in bundles if bundle.first.kind in kinds]
        if found:
            parts.append((titles[family], found[:MOST_LINES], max(0, len(found) - MOST_LINES)))
    topics = top_threads(viewer_of_user(user), preferences)
    if not parts and not topics:
        return None
    if preferences.digest == Preferences.Digest.DAILY:
        subject = _("What you missed today")
    else:
        subject = _("What you missed this week")
    context = {"parts": parts, "topics": topics}
    headers = {"Message-ID": _message_id(f"letter-{letter.pk}")}
    return _mail(
        "digest", letter, user, address, subject, Letter.Kind.DIGEST, context, headers, language
    )


def _mail(
    template: str,
    letter: Letter,
    user: User,
    address: str,
    subject: str,
    scope: str,
    context: dict[str, Any],
    headers: dict[str, str],
    language: str,
    *,
    reply_to: str = "",
) -> EmailMultiAlternatives:
    site, stop = current(ServerSettings).name, f"{hub_url()}/unsubscribe/"
    shown = {
        **context,
        "site": site,
        "hub": hub_url(),
        "name": user.username,
        "stop_url": stop + stop_token(user.pk, scope),
        "subject": subject,
    }
    mail = EmailMultiAlternatives(
        subject=_one_line(f"[{site}] {subject}"),
        body=render_to_string(f"notifications/mail/{template}.txt", shown, using="pages"),
        from_email=_from(site),
        to=[address],
        reply_to=[reply_to] if reply_to else None,
        headers={
            **headers,
            "List-Unsubscribe": f"<{shown['stop_url']}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": f"{site} <notifications.{_domain()}>",
            "Auto-Submitted": "auto-generated",
            "Precedence": "bulk",
            "X-Auto-Response-Suppress": "All",
        },
    )
    html = render_to_string(f"notifications/mail/{template}.html", shown, using="pages")
    mail.attach_alternative(html, "text/html")
    return mail


def _thread_headers(letter: Letter, thread: Thread | None) -> dict[str, str]:
    """All mails about a conversation hang under one id, so that clients show them together."""
    headers = {"Message-ID": _message_id(f"letter-{letter.pk}")}
    if thread is not None:
        root = _message_id(f"thread-{thread.pk}")
        headers |= {"References": root, "In-Reply-To": root}
    return headers


def _message_id(name: str) -> str:
    return f"<{name}@{_domain()}>"


def _domain() -> str:
    return parseaddr(current(MailSettings).sender)[1].rpartition("@")[2] or "localhost"


def _from(site: str) -> str:
    name, address = parseaddr(current(MailSettings).sender)
    return formataddr((name or site, address))


def _one_line(text: str) -> str:
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", text).strip()[:250]
