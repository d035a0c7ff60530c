"""A post's words as a quotation for an answer."""

from llmos.community.threads.models import Post

LONGEST = 2000  # characters quoted


def quotation(post: Post, words: str = "") -> str:
    """Markdown that quotes a post, or only some of its words, and names it and its author.

    The link in its first line is what makes it a reference: `> [@ada](/posts/12)`.
    """
    text = (words or post.text).strip()
    if len(text) > LONGEST:
        text = text[:LONGEST].rsplit(maxsplit=1)[0] + " …"
    name = post.author.username if post.author else "?"
    lines = [f"[@{name}](/posts/{post.pk})", "", *text.splitlines()]
    return "".join(f"> {line}".rstrip() + "\n" for line in lines) + "\n"
