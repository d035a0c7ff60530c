"""What each page of a member begins with: her session and her row, by hand-written SQL.

Django's own queries take longer to put together than SQLite takes to answer them.
"""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.sessions.backends import db as kept
from django.contrib.sessions.models import Session
from django.db import connection

from llmos.accounts.models import User
from llmos.kit.time import now
from llmos.store import db


class SessionStore(kept.SessionStore):
    """Sessions as Django keeps them in the database."""

    def load(self) -> dict[str, Any]:
        found = db.row(
            f"SELECT session_data FROM {Session._meta.db_table} "
            "WHERE session_key = %s AND expire_date > %s",
            (self.session_key, connection.ops.adapt_datetimefield_value(now())),
        )
        if found is None:
            self._session_key = None
            return {}
        decoded: dict[str, Any] = self.decode(found[0])
        return decoded


class Members(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """Members as django-allauth lets them in."""

    def get_user(self, user_id: int) -> User | None:
        found = db.instances(User, "WHERE m.id = %s", (user_id,))
        return found[0] if found and self.user_can_authenticate(found[0]) else None
