"""A member's data as one archive: asked for on a page, made by the worker, fetched once."""

import json
import logging
import secrets
import zipfile
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import Q

from llmos.accounts.errors import NothingToFetch
from llmos.accounts.models import Export, Membership, Token, User
from llmos.accounts.taking import Part, parts_of
from llmos.kit.files import written_whole
from llmos.kit.home import home_from_environment
from llmos.kit.time import iso, now

logger = logging.getLogger(__name__)

EXPORT_LIFE = timedelta(days=7)


def export_of(user: User) -> Export | None:
    """The archive that is being made or waits; one that was fetched or has expired is none."""
    found = Export.objects.filter(user=user, fetched_at=None).first()
    if found is None or (found.expires_at is not None and found.expires_at <= now()):
        return None
    return found


@transaction.atomic
def ask_for_export(user: User) -> Export:
    """Begin anew: an archive that waits is thrown away, one in the making is left to it."""
    found = Export.objects.select_for_update().filter(user=user).first()
    if found is not None and not found.file:
        return found
    if found is not None:
        _throw_away(found.file)
    asked, _new = Export.objects.update_or_create(
        user=user,
        defaults={
            "asked_at": now(),
            "file": "",
            "size": 0,
            "expires_at": None,
            "fetched_at": None,
        },
    )
    return asked


def make_export(user: User) -> None:
    """Write the archive that a member asked for; a second run finds it made."""
    asked = Export.objects.filter(user=user, file="").first()
    if asked is None:
        return
    name = f"{secrets.token_hex(16)}.zip"
    target = home_from_environment().exports / name
    with written_whole(target) as file:
        write_archive(user, file)
    ready = Export.objects.filter(user=user, file="", asked_at=asked.asked_at)
    if not ready.update(file=name, size=target.stat().st_size, expires_at=now() + EXPORT_LIFE):
        _throw_away(name)


def take_export(user: User) -> BinaryIO:
    """The archive, open; nobody gets it a second time. Raises NothingToFetch."""
    found = Export.objects.filter(user=user, fetched_at=None, expires_at__gt=now()).first()
    if found is None or not found.file:
        raise NothingToFetch
    waiting = Export.objects.filter(user=user, file=found.file, fetched_at=None)
    path = _path(found.file)
    if not path.is_file() or not waiting.update(fetched_at=now()):
        raise NothingToFetch
    file = path.open("rb")
    _throw_away(found.file)  # what is open can be read to its end
    return file


def forget_old_exports() -> None:
    """Throw away what nobody fetched, and files that no row knows."""
    rows = Export.objects.exclude(file="")
    for row in rows.filter(Q(expires_at__lt=now()) | Q(fetched_at__isnull=False)):
        _throw_away(row.file)
    known = set(rows.values_list("file", flat=True))
    folder = home_from_environment().exports
    for path in folder.glob("*.zip") if folder.is_dir() else ():
        if path.name not in known and path.stat().st_mtime < (now() - EXPORT_LIFE).timestamp():
            path.unlink(missing_ok=True)


def write_archive(user: User, file: BinaryIO) -> None:
    """All that the rooms know of a member; each part goes to disk as it is made."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _all_parts(user):
            text = content if isinstance(content, str) else _as_json(content)
            archive.writestr(name, text)


def _all_parts(user: User) -> Iterable[Part]:
    yield "profile.json", _profile(user)
    yield from parts_of(user)


def _profile(user: User) -> dict[str, Any]:
    memberships = Membership.objects.filter(user=user).select_related("organisation__namespace")
    tokens = Token.objects.filter(user=user).order_by("pk")
    return {
        "name": user.username,
        "full_name": user.namespace.full_name,
        "about": user.namespace.bio,
        "website": user.namespace.website,
        "email": user.email,
        "joined": user.date_joined,
        "last_sign_in": user.last_login,
        "organisations": [
            {"name": row.organisation.namespace.name, "role": row.role, "since": row.since}
            for row in memberships
        ],
        "access_tokens": [
            {"name": row.name, "role": row.role, "made": row.created_at, "ends": row.expires_at}
            for row in tokens
        ],
    }


def _as_json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else str(value)


def _path(name: str) -> Path:
    return home_from_environment().exports / name


def _throw_away(name: str) -> None:
    if name:
        _path(name).unlink(missing_ok=True)
