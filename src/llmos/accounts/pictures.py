"""Pictures of members and organisations: small raster files, kept by content.

A file is taken for what its first bytes say, never for its name or declared type; it is
served with that type and `nosniff`. SVG is refused since it can carry script; the pictures
drawn here for those who have none are the exception, made of two letters and a colour.
"""

from hashlib import sha256
from html import escape
from pathlib import Path

from django.utils.translation import gettext as _

from llmos.accounts.errors import PictureRefused
from llmos.kit.files import written_whole
from llmos.kit.home import home_from_environment

LARGEST = 2**20  # bytes

TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}


def store_picture(content: bytes) -> str:
    """Keep a picture; returns its file name in the media folder. Raises PictureRefused."""
    if len(content) > LARGEST:
        raise PictureRefused(_("A picture has at most 1 MiB"))
    suffix = _suffix(content)
    if suffix is None:
        raise PictureRefused(_("A picture is a PNG, JPEG, GIF or WebP file"))
    name = f"{sha256(content).hexdigest()[:40]}{suffix}"
    target = picture_path(name)
    if not target.exists():
        with written_whole(target) as file:
            file.write(content)
    return name


def picture_path(name: str) -> Path:
    """Where a picture lies; whatever the name says, inside the media folder."""
    return home_from_environment().media / Path(name).name


def drawn_picture(name: str) -> bytes:
    """An SVG with the first two letters of a name on a colour that follows from it."""
    letters = escape("".join(c for c in name if c.isalnum())[:2].upper() or "?")
    hue = int.from_bytes(sha256(name.casefold().encode()).digest()[:2]) % 360
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">'
        f'<rect width="64" height="64" fill="hsl({hue} 45% 38%)"/>'
        '<text x="32" y="33" fill="#fff" font-family="system-ui,sans-serif" font-size="26" '
        f'font-weight="600" text-anchor="middle" dominant-baseline="central">{letters}</text></svg>'
    ).encode()


def _suffix(content: bytes) -> str | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if content.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return ".gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ".webp"
    return None
