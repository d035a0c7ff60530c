"""A small task that a browser solves before a sign-up: half a second once, dear in thousands.

Made and checked by altcha, here; nobody else is asked. A task is signed, expires, and counts
once.
"""

import json
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from altcha import Payload, create_challenge, verify_solution
from django import forms
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from llmos.accounts.models import SpentChallenge
from llmos.kit.time import now

FIELD = "task"
TASK_LIFE = timedelta(minutes=20)
ALGORITHM = "PBKDF2/SHA-256"
ROUNDS = 2000  # of one attempt
LEAST_ATTEMPTS, MOST_ATTEMPTS = 150, 500


def new_task() -> dict[str, Any]:
    attempts = LEAST_ATTEMPTS + secrets.randbelow(MOST_ATTEMPTS - LEAST_ATTEMPTS)
    made = create_challenge(
        ALGORITHM,
        ROUNDS,
        counter=attempts,
        expires_at=now() + TASK_LIFE,
        hmac_secret=_secret("task"),
        hmac_key_secret=_secret("key"),
    )
    return made.to_dict()


def is_solved(answer: str) -> bool:
    """Whether this is the solution of a task of ours, in time, and for the first time."""
    if not answer:
        return False
    found = verify_solution(answer, _secret("task"), hmac_key_secret=_secret("key"))
    return found.verified and _is_first(Payload.from_base64(answer))


def _is_first(solved: Payload) -> bool:
    """Of two that come with one solution at once, the row lets one through."""
    ends = datetime.fromtimestamp(solved.challenge.parameters.expires_at or 0, UTC)
    # Its nonce is part of what was signed; a signature could be spelled in two ways.
    name = sha256(solved.challenge.parameters.nonce.lower().encode()).hexdigest()
    try:
        with transaction.atomic():
            SpentChallenge.objects.create(signature=name, expires_at=ends)
    except IntegrityError:
        return False
    return True


def _secret(purpose: str) -> str:
    return sha256(f"captcha:{purpose}:{settings.SECRET_KEY}".encode()).hexdigest()


class TaskWidget(forms.Widget):
    """Altcha's element in our words; `js/captcha.js` tells it where its worker is."""

    input_type = "hidden"  # has neither a label nor a hint of its own

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        words = {
            "label": _("I am a person"),
            "verifying": _("Your browser solves a small task …"),
            "verified": _("Solved"),
            "error": _("The task could not be solved: reload the page and try again."),
            "expired": _("The task has expired: solve it again."),
            "waitAlert": _("Your browser still solves the task; one moment."),
            "verificationRequired": _("Tick this first."),
            "verify": _("Solve"),
            "loading": _("Loading …"),
            "reload": _("Again"),
        }
        return format_html(
            '<altcha-widget name="{}" challenge="/accounts/task" auto="onfocus" language="en" '
            'configuration="{}" data-words="{}"></altcha-widget>'
            '<noscript><p class="notice notice-doubt">{}</p></noscript>',
            name,
            json.dumps({"hideFooter": True, "hideLogo": True}),
            json.dumps(words, ensure_ascii=False),
            _(
                "To sign up here your browser must run JavaScript: it solves a small task that "
                "keeps programs from making accounts. Once you are a member, pages work without."
            ),
        )
