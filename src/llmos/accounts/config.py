"""How people get in."""

from dataclasses import dataclass
from typing import Any, ClassVar

from llmos.kit.config import Section, setting


@dataclass(frozen=True)
class AccountsSettings(Section):
    section: ClassVar[str] = "accounts"
    sign_up: str = setting("open", "who may sign up: open, invitation or closed")

    def for_allauth(self) -> dict[str, Any]:
        """The same, in django-allauth's words."""
        return {
            "ACCOUNT_LOGIN_METHODS": {"username", "email"},
            "ACCOUNT_SIGNUP_FIELDS": ["username*", "email", "password1*"],
            "LOGIN_REDIRECT_URL": "/",
        }
