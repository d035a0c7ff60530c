"""A post's words as a quotation for an answer."""

import re

from llmos.community.threads.models import Post

LONGEST = 2000  # characters quoted


def quotation(post: Post, words: str = "") -> str:
    """Markdown that quotes a post, or only some of its words, and names it and its author.

    What the post itself quotes is left out.
    The link in its first line is what makes it a reference: `> [@ada](/posts/12)`.
    """
    own = [line for line in post.text.splitlines() if not line.lstrip().startswith(">")]
    text = words.strip() or re.sub(r"\n{3,}", "\n\n", "\n".join(own)).strip()
    if len(text) > LONGEST:
        text = text[:LONGEST].rsplit(maxsplit=1)[0] + " …"
    name = post.author.username if post.author else "?"
    lines = [f"[@{name}](/posts/{post.pk})", "", *text.splitlines()]
    return "".join(f"> {line}".rstrip() + "\n" for line in lines) + "\n"
