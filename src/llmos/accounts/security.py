"""How well a member's account is locked, for their settings page."""

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount

from llmos.accounts.config import AccountsSettings
from llmos.accounts.models import User
from llmos.kit.config import current


@dataclass(frozen=True, slots=True)
class Security:
    email: str
    email_verified: bool
    has_password: bool
    totp: bool
    passkeys: int
    recovery_codes: bool
    connected: tuple[str, ...]  # names of providers
    providers: bool  # whether any provider is configured


def security_of(user: User) -> Security:
    kinds = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    address = EmailAddress.objects.filter(user=user, primary=True).first()
    return Security(
        email=address.email if address else user.email,
        email_verified=bool(address and address.verified),
        has_password=user.has_usable_password(),
        totp=Authenticator.Type.TOTP in kinds,
        passkeys=kinds.count(Authenticator.Type.WEBAUTHN),
        recovery_codes=Authenticator.Type.RECOVERY_CODES in kinds,
        connected=tuple(SocialAccount.objects.filter(user=user).values_list("provider", flat=True)),
        providers=bool(current(AccountsSettings).providers),
    )
