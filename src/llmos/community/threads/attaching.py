"""Pictures and files in posts: taken in, named in the text, let go when no post names them.

A picture is one by its first bytes, never by its name; only such are shown in a page. Bytes
lie in the home's attachments folder under the row's id: written before the row, removed after.
"""

import hashlib
import mimetypes
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import imagesize
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.community.threads.access import post_for, writer
from llmos.community.threads.errors import AttachmentNotFound
from llmos.community.threads.models import Attachment, Post
from llmos.community.trust.config import CommunitySettings
from llmos.community.trust.limits import check_pace
from llmos.community.trust.queries import standing_of
from llmos.kit.config import current
from llmos.kit.errors import Invalid, Refusal, TooLarge
from llmos.kit.files import move_into_place
from llmos.kit.health import Finding
from llmos.kit.home import home_from_environment
from llmos.kit.time import now
from llmos.store.blobs import fanned, upload_path

if TYPE_CHECKING:
    Upload = UploadedFile[Any]  # generic for the type checker alone

MOST_FILES = 20  # of one form
NEVER_NAMED = timedelta(days=1)  # after this an attachment that no post names is let go
_SETTLED = 3600.0  # seconds until a file without a row is a leftover

_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
SHOWN_IN_PAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@dataclass(frozen=True, slots=True)
class _Taken:
    """A file's bytes on disk, with what they are."""

    path: Path
    size: int
    sha256: str
    head: bytes


def attach(viewer: Viewer, upload: "Upload") -> Attachment:
    """Keep a file for a post that is being written. Raises TooLarge, Invalid, NotTrustedYet."""
    user = writer(viewer, "attach files")
    if not viewer.is_admin:
        check_pace(standing_of(user), kind="attachment")
    name = _name(upload.name or "")
    taken = _take(upload)
    try:
        media_type = _media_type(taken.head, name)
        width, height = _measure(taken.path) if media_type in SHOWN_IN_PAGES else (None, None)
        row = Attachment(
            id=secrets.token_hex(16),
            user_id=user,
            name=name,
            media_type=media_type,
            size=taken.size,
            sha256=taken.sha256,
            width=width,
            height=height,
        )
        move_into_place(taken.path, path_of(row.pk))
    finally:
        taken.path.unlink(missing_ok=True)
    row.save(force_insert=True)
    return row


def with_files(viewer: Viewer, text: str, uploads: Iterable["Upload"]) -> str:
    """A text with the files of its form attached at its end: the way without script."""
    chosen = [upload for upload in uploads if upload.name]
    if len(chosen) > MOST_FILES:
        raise Invalid(_("At most %(n)d files go with one form") % {"n": MOST_FILES})
    marks = [markdown_of(attach(viewer, upload)) for upload in chosen]
    return "\n\n".join([text.rstrip(), *marks]) if marks else text


def markdown_of(attachment: Attachment) -> str:
    """What stands in a text for it."""
    label = "".join(f"\\{c}" if c in "[]\\`*_<" else c for c in attachment.name)
    sign = "!" if attachment.media_type in SHOWN_IN_PAGES else ""
    return f"{sign}[{label}]({address_of(attachment)})"


def address_of(attachment: Attachment) -> str:
    return f"/attachments/{attachment.pk}"


def attachment_for(viewer: Viewer, attachment_id: str) -> Attachment:
    """Seen by whoever sees the post that names it; before, by who uploaded it.

    Raises AttachmentNotFound.
    """
    found = Attachment.objects.filter(pk=attachment_id).first()
    if found is None:
        raise AttachmentNotFound
    if viewer.user_id is not None and found.user_id == viewer.user_id:
        return found
    if found.post_id is None:
        raise AttachmentNotFound
    try:
        post_for(viewer, found.post_id)
    except Refusal:
        raise AttachmentNotFound from None
    return found


def attached_to(post: Post, attachment_id: str) -> Attachment:
    """A file of a post that its room has opened for the viewer. Raises AttachmentNotFound."""
    found = Attachment.objects.filter(pk=attachment_id, post=post).first()
    if found is None:
        raise AttachmentNotFound
    return found


def file_response(attachment: Attachment) -> FileResponse:
    """The bytes, shown only when they are a picture; whatever they are, nothing in them runs."""
    is_picture = attachment.media_type in SHOWN_IN_PAGES
    response = FileResponse(
        path_of(attachment.pk).open("rb"),
        as_attachment=not is_picture,
        filename=attachment.name,
        content_type=attachment.media_type if is_picture else "application/octet-stream",
    )
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def path_of(attachment_id: str) -> Path:
    return fanned(home_from_environment().attachments, attachment_id)


def let_go() -> int:
    """Remove what no post has named for a day; returns how many."""
    count = 0
    for row in Attachment.objects.filter(post=None, at__lt=now() - NEVER_NAMED)[:10_000]:
        # Named in this very moment: then the row is no longer without a post, and stays.
        gone, _rows = Attachment.objects.filter(pk=row.pk, post=None).delete()
        if gone:
            path_of(row.pk).unlink(missing_ok=True)
            count += 1
    return count


def attachment_findings() -> Iterator[Finding]:
    """Rows whose bytes are missing, and files that no row names."""
    folder = home_from_environment().attachments
    for row in Attachment.objects.iterator(chunk_size=1000):
        if not path_of(row.pk).exists():
            yield Finding(
                f"attachment {row.pk}", f"the file {row.name} is missing; restore it from a backup"
            )
    for path in sorted(folder.glob("??/*")):
        is_old = now().timestamp() - path.stat().st_mtime > _SETTLED
        if is_old and not Attachment.objects.filter(pk=path.name).exists():
            repair = partial(path.unlink, missing_ok=True)
            yield Finding(str(path), "an attachment that no post has", repair)


def _take(upload: "Upload") -> _Taken:
    limit = current(CommunitySettings).attachment_limit
    if (upload.size or 0) > limit:
        raise TooLarge(
            _("%(name)s has %(size)s; a file in a post has at most %(limit)s")
            % {
                "name": upload.name,
                "size": filesizeformat(upload.size or 0),
                "limit": filesizeformat(limit),
            }
        )
    path, digest, size, head = upload_path(), hashlib.sha256(), 0, b""
    with path.open("xb") as kept:
        for piece in upload.chunks():
            head = head or bytes(piece[:64])
            kept.write(piece)
            digest.update(piece)
            size += len(piece)
        kept.flush()
        os.fsync(kept.fileno())
    return _Taken(path, size, digest.hexdigest(), head)


def _name(name: str) -> str:
    """The file's own name: no folders, nothing that would disturb a header or a text."""
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = "".join(c for c in last if c.isprintable() and c not in '"<>|:*?\r\n')
    return plain.strip()[:200] or "file"


def _media_type(head: bytes, name: str) -> str:
    for start, media_type in _PICTURES:
        if head.startswith(start):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    # What says that it is a picture and is none, SVG too, is a file like any other.
    return "application/octet-stream" if guessed in SHOWN_IN_PAGES else guessed[:100]


def _measure(path: Path) -> tuple[int | None, int | None]:
    width, height = imagesize.get(str(path))
    return (int(width), int(height)) if width > 0 and height > 0 else (None, None)
