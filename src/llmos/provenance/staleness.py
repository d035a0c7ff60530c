"""What a source holds besides words about it: words may change, and nothing is stale for that."""

from llmos.hub.facts.cards import read_card
from llmos.hub.git import tree

CARD = "README.md"
# Files that say something about the content and are none of it.
_WORDS = frozenset({CARD, ".gitattributes", "LICENSE", "LICENSE.txt", "LICENSE.md"})

Content = tuple[dict[str, str], object]


def content_of(repository_id: int, sha: str) -> Content | None:
    """What a commit holds besides words about it, to be compared with another's.

    None when it cannot be read any more, as after a history was squashed away.
    """
    try:
        files = {
            path: blob for path, blob in tree.all_files(repository_id, sha) if path not in _WORDS
        }
        return files, _splits(repository_id, sha)
    except (KeyError, OSError, ValueError):
        return None


def _splits(repository_id: int, sha: str) -> object:
    """A card's `configs` decide which files are read as what, so they count as content."""
    text = tree.read_file(repository_id, sha, CARD)
    return read_card(text.decode("utf-8", "replace")).front.get("configs") if text else None
