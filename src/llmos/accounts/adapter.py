"""Where django-allauth asks us: who may sign up, under which name, and what a sign-up makes."""

import base64
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from llmos.accounts.actions import accept_invitation, enrol, invitation_of
from llmos.accounts.config import AccountsSettings
from llmos.accounts.errors import InvitationSpent
from llmos.accounts.models import User
from llmos.accounts.names import check_name
from llmos.accounts.queries import is_taken
from llmos.kit.config import current
from llmos.kit.errors import Refusal
from llmos.store.config import ServerSettings

INVITATION_KEY = "invitation"  # where a session remembers the invitation that it came with


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        policy: str = current(AccountsSettings).sign_up
        if policy == "invitation":
            return _has_invitation(request)
        return policy == "open"

    def clean_username(self, username: str, shallow: bool = False) -> str:
        try:
            check_name(username)
        except Refusal as refusal:
            raise ValidationError(refusal.message) from refusal
        if not shallow and is_taken(username):
            raise ValidationError(_("The name %(name)s is taken") % {"name": username})
        return username

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """A sign-up that passed the form: the member, their namespace, their invitation."""
        super().save_user(request, user, form, commit=False)
        if not commit:
            return user
        with transaction.atomic():
            enrol(user=user)
            secret = request.session.get(INVITATION_KEY)
            if secret is not None and _has_invitation(request):
                accept_invitation(secret=secret, user=user)
        request.session.pop(INVITATION_KEY, None)
        return user

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Who has proven to be a suspended member reads why."""
        reason = user.suspension_reason
        return render(request, "accounts/suspended.html", {"reason": reason}, status=403)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        site = SimpleNamespace(name=current(ServerSettings).name, domain=self.request.get_host())
        super().send_mail(template_prefix, email, {"current_site": site, **context})


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Sign-in elsewhere follows the same rules, since the account adapter is asked for all."""


class TwoFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps second factors encrypted, so that a stolen database alone opens no account."""

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _box().decrypt(encrypted_text.encode()).decode()

    def _get_site_name(self) -> str:
        return str(current(ServerSettings).name)


def _has_invitation(request: HttpRequest) -> bool:
    secret = request.session.get(INVITATION_KEY)
    if not secret:
        return False
    try:
        invitation_of(secret)
    except InvitationSpent:
        return False
    return True


def _box() -> Fernet:
    key = sha256(f"two-factor:{settings.SECRET_KEY}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
