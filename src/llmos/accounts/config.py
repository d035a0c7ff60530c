"""How people get in."""

from dataclasses import dataclass
from typing import Any, ClassVar

from llmos.kit.config import BadConfiguration, Section, current, setting
from llmos.store.config import MailSettings, ServerSettings

SIGN_UP_POLICIES = ("open", "invitation", "closed")


@dataclass(frozen=True)
class AccountsSettings(Section):
    section: ClassVar[str] = "accounts"
    sign_up: str = setting("open", "who may sign up: open, invitation or closed")
    captcha: bool = setting(
        False,
        "let the browser solve a small task before a sign-up, against programs that make many; "
        "needs https, or the hub's own machine",
    )
    providers: dict[str, Any] = setting(  # noqa: RUF009  # `setting` makes a default factory
        {},
        "sign-in elsewhere: [accounts.providers.github] client_id, secret; gitlab also url; "
        "any other key is an OpenID Connect provider with url and name",
    )

    def __post_init__(self) -> None:
        if self.sign_up not in SIGN_UP_POLICIES:
            raise BadConfiguration(
                f"accounts.sign_up = {self.sign_up!r}: write one of {', '.join(SIGN_UP_POLICIES)}"
            )

    def for_allauth(self) -> dict[str, Any]:
        """The same, in django-allauth's words."""
        server = current(ServerSettings)
        sends_mail = bool(current(MailSettings).url)
        verification = "optional" if sends_mail else "none"
        return {
            "LOGIN_URL": "/accounts/login/",
            "LOGIN_REDIRECT_URL": "/",
            "ACCOUNT_ADAPTER": "llmos.accounts.adapter.AccountAdapter",
            "ACCOUNT_LOGIN_METHODS": {"username", "email"},
            "ACCOUNT_SIGNUP_FIELDS": ["username*", "email", "password1*"],
            "ACCOUNT_FORMS": {
                "login": "llmos.accounts.entrance.SignIn",
                "signup": "llmos.accounts.entrance.SignUp",
                "change_password": "llmos.accounts.entrance.NewPassword",
                "set_password": "llmos.accounts.entrance.FirstPassword",
                "reset_password_from_key": "llmos.accounts.entrance.ForgottenPassword",
            },
            "ACCOUNT_EMAIL_VERIFICATION": verification,
            "ACCOUNT_EMAIL_NOTIFICATIONS": sends_mail,
            "ACCOUNT_EMAIL_SUBJECT_PREFIX": f"[{server.name}] ",
            "ACCOUNT_SESSION_REMEMBER": True,
            "ACCOUNT_DEFAULT_HTTP_PROTOCOL": server.public_url.partition("://")[0] or "http",
            "ALLAUTH_TRUSTED_PROXY_COUNT": int(server.trust_proxy),
            "MFA_ADAPTER": "llmos.accounts.adapter.TwoFactorAdapter",
            "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
            "MFA_PASSKEY_LOGIN_ENABLED": True,
            # Most hubs send no mail, so their members cannot verify an address.
            "MFA_ALLOW_UNVERIFIED_EMAIL": True,
            "MFA_TOTP_ISSUER": server.name,
            "MFA_TOTP_TOLERANCE": 1,  # one step of 30 s, for clocks that are not quite right
            "SOCIALACCOUNT_ADAPTER": "llmos.accounts.adapter.ProviderAdapter",
            # People choose their name here themselves; elsewhere it may be taken or refused.
            "SOCIALACCOUNT_AUTO_SIGNUP": False,
            "SOCIALACCOUNT_EMAIL_VERIFICATION": verification,
            "SOCIALACCOUNT_PROVIDERS": self._providers(),
        }

    def _providers(self) -> dict[str, Any]:
        apps: dict[str, list[dict[str, Any]]] = {}
        for key, told in self.providers.items():
            if not isinstance(told, dict) or not told.get("client_id") or not told.get("secret"):
                raise BadConfiguration(f"[accounts.providers.{key}] needs client_id and secret")
            app = {"client_id": told["client_id"], "secret": told["secret"]}
            if key == "github":
                apps["github"] = [app]
            elif key == "gitlab":
                address = told.get("url", "https://gitlab.com")
                apps["gitlab"] = [{**app, "settings": {"gitlab_url": address}}]
            elif told.get("url"):
                settings = {"server_url": told["url"], "oauth_pkce_enabled": True}
                named = {"provider_id": key, "name": told.get("name", key), "settings": settings}
                apps.setdefault("openid_connect", []).append({**app, **named})
            else:
                raise BadConfiguration(f"[accounts.providers.{key}] needs the provider's url")
        return {provider: {"APPS": found} for provider, found in apps.items()}
