"""Django's settings, derived from the home and `llmos.toml`; nothing here is edited by hand."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from llmos.accounts.config import AccountsSettings
from llmos.kit.config import current
from llmos.kit.home import home_from_environment
from llmos.store.config import DatabaseSettings, MailSettings, ServerSettings
from llmos.web.secret import secret_key

_home = home_from_environment()
_server = current(ServerSettings)
_mail = current(MailSettings)
_allauth = current(AccountsSettings).for_allauth()
_here = Path(__file__).parent

# The raw hot paths do point reads on the event loop (measured: under 50 µs on SQLite).
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

SECRET_KEY = secret_key(_home)
DEBUG = False
# Mails carry links made from Host, so with a public address no other name is believed.
ALLOWED_HOSTS = (
    [urlsplit(_server.public_url).hostname or "*", "localhost", "127.0.0.1", "[::1]"]
    if _server.public_url
    else ["*"]
)
USE_X_FORWARDED_HOST = _server.trust_proxy
if _server.trust_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
ROOT_URLCONF = "llmos.web.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",  # for allauth's templates
    "django.contrib.sites",
    "llmos.store",
    "llmos.accounts",
    "llmos.hub",
    "llmos.provenance",
    "llmos.jobs",
    "llmos.training",
    "llmos.evaluation",
    "llmos.serving",
    "llmos.community.trust",
    "llmos.community.threads",
    "llmos.community.blog",
    "llmos.community.discussions",
    "llmos.community.forum",
    "llmos.community.moderation",
    "llmos.community.notifications",
    "llmos.community.social",
    "llmos.community.welcome",
    "llmos.web",
    "django_tasks",
    "django_tasks_db",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    # Only the configured ones: each brings an HTTP library that takes a while to load.
    *(
        f"allauth.socialaccount.providers.{provider}"
        for provider in _allauth["SOCIALACCOUNT_PROVIDERS"]
    ),
]
SITE_ID = 1

MIDDLEWARE = [
    "llmos.web.compression.PageCompression",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "llmos.web.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "llmos.web.doors.PageDoor",
]

_jinja: dict[str, Any] = {
    "BACKEND": "llmos.web.spoken.SpokenTemplates",
    "NAME": "pages",
    "DIRS": [_here / "templates"],
    "APP_DIRS": False,
    "OPTIONS": {
        "environment": "llmos.web.jinja.environment",
        "context_processors": ["llmos.web.jinja.page_context"],
    },
}
_django: dict[str, Any] = {
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "NAME": "allauth",
    "DIRS": [_here / "allauth_templates"],
    "APP_DIRS": True,
    "OPTIONS": {
        "context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
        ],
    },
}
TEMPLATES = [_jinja, _django]


def _database() -> dict[str, Any]:
    url = current(DatabaseSettings).url
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(_home.database),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 30,
                "transaction_mode": "IMMEDIATE",
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                    "PRAGMA cache_size=-16000; PRAGMA mmap_size=268435456;"
                ),
            },
        }
    parts = urlsplit(url)
    socket_folder = parse_qs(parts.query).get("host", [""])[0]  # libpq's own spelling
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or "") or socket_folder,
        "PORT": parts.port or "",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {"default": _database()}
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["llmos.accounts.sessions.Members"]
SESSION_ENGINE = "llmos.accounts.sessions"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "llmos_session", "llmos_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _server.public_url.startswith("https://")
CSRF_TRUSTED_ORIGINS = [_server.public_url] if _server.public_url else []
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [_here / "locale"]
LANGUAGE_COOKIE_NAME = "llmos_language"
USE_TZ = True
TIME_ZONE = _server.time_zone
STATIC_URL = "/static/"

if _mail.url:
    _smtp = urlsplit(_mail.url)
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = _smtp.hostname, _smtp.port or 587
    EMAIL_HOST_USER = unquote(_smtp.username or "")
    EMAIL_HOST_PASSWORD = unquote(_smtp.password or "")
    EMAIL_USE_TLS = _smtp.scheme == "smtp" and bool(_smtp.username)
    EMAIL_USE_SSL = _smtp.scheme == "smtps"
    EMAIL_TIMEOUT = 20
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(_home.root / "mails")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = _mail.sender

# accounts: django-allauth, told by [accounts]
globals().update(_allauth)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": _server.log_level.upper()},
}
