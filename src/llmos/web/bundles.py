"""Small files written apart and sent as one: the style sheet and the script of every page.

A bundle `css/main.css` is every `css/*.css` in the order of their names; `js/main.js` is
every `js/main/*.js`, each in a scope of its own. Nothing is built or written to disk.
"""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "static"


@cache
def bundle(path: str) -> bytes | None:
    """The joined bytes behind a bundle's name, or None when the name is an ordinary file's."""
    if path == "css/main.css":
        parts = sorted((FOLDER / "css").glob("*.css"))
        return b"\n".join(part.read_bytes() for part in parts)
    if path == "js/main.js":
        parts = sorted((FOLDER / "js" / "main").glob("*.js"))
        return b"\n".join(b"{\n" + part.read_bytes() + b"}" for part in parts)
    return None
