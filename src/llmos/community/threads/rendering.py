"""From a member's Markdown to stored HTML, and what the text names on its way.

Names of members after `@`, tags after `#` and links to things of this hub are found in the
parsed text, never in code. A link that stands alone in a paragraph is stored between marks of
the private use area, which no text can hold, and becomes a live card when it is shown: `filled`
asks then what this viewer may see, and leaves everybody else the plain link.
"""

import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from urllib.parse import quote

from django.template.loader import render_to_string
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from llmos.accounts.access import Viewer
from llmos.community.threads import naming
from llmos.community.threads.cards import cards_for
from llmos.community.threads.models import Attachment, Post, Reference
from llmos.community.threads.naming import Named
from llmos.store.markup import MARKDOWN_LIMIT, LinkBase, new_parser, sanitised, with_sizes

VERSION = 3
# No links of the place's own: relative ones lead to pages of this hub.
NO_LINKS = LinkBase(pages="/", raw="/")
# Characters that mean something in Markdown; parsing takes a second for some hundred thousand.
# A text with more is shown as it is: prose has one in fifty characters, code one in ten.
MOST_SIGNS = 15_000
MOST_CARDS = 20  # of one post; further links stay links
MOST_NAMES = 200  # different members or tags that are looked up for one post

# A mark is opened, says `kind:key`, holds the plain paragraph after the middle, and is closed.
_OPEN, _MIDDLE, _CLOSE, _OWN_ID = "\ue000", "\ue002", "\ue001", "\ue003"
_MARK = re.compile(f"{_OPEN}([^{_MIDDLE}]*){_MIDDLE}([^{_CLOSE}]*){_CLOSE}")
_SIGNS = re.compile(r"[\[\]()!*_~`$<>|^#:@&=\n\\]")
_PRIVATE = re.compile("[\ue000-\uf8ff]")
# A name begins where no Latin word, address or mail goes on: `谢谢@ada` calls ada.
_CALL = re.compile(
    r"(?<![A-Za-z0-9_@#/&.+-])(?:@(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,95})|#(?P<tag>[\w-]{1,40}))"
)
_HREF = re.compile(r'<a\s(?:[^>]*?\s)?href="([^"]*)"')
_LONE_LINK = re.compile(r"\s*<p><a\s[^<>]*>(?:(?!</?(?:a|p)\b).)*</a></p>\s*", re.DOTALL)
_PICTURE = re.compile(r"<img\s")
_ATTACHMENT = re.compile(r'(?:src|href)="/attachments/([0-9a-f]{32})"')


@dataclass(frozen=True, slots=True)
class Rendered:
    """Safe HTML and what was found in the text; references are (kind, id)."""

    html: str
    references: frozenset[tuple[str, int]] = field(default_factory=frozenset)
    links: int = 0  # that lead away from this hub
    images: int = 0
    mentions: int = 0
    attachments: frozenset[str] = field(default_factory=frozenset)
    tags: tuple[str, ...] = ()


def render(text: str, links: LinkBase = NO_LINKS) -> Rendered:
    """`links` says where relative ones lead: an article may be a file of a repository."""
    if len(text) > MARKDOWN_LIMIT or len(_SIGNS.findall(text)) > MOST_SIGNS:
        return Rendered(html=str(Markup("<pre>{}</pre>").format(text[:MARKDOWN_LIMIT])))
    # Nobody who writes knows it, so nobody can write our marks.
    nonce = f"m{secrets.token_hex(12)}"
    parser = _parser()
    env: dict[str, object] = {}
    tokens = parser.parse(text, env)
    names, tags = _call_names(tokens, nonce)
    addresses = _mark_lone_links(tokens, nonce)
    raw = parser.renderer.render(tokens, parser.options, env)
    html = sanitised(raw, replace(links, anchors=f"{nonce}-"))
    html = _PRIVATE.sub("", html).replace(f"{nonce}-", _OWN_ID).replace(f"https://{nonce}/", "/")
    hrefs = Counter(_hrefs(html))
    found = naming.located([*map(naming.place_of, hrefs), *addresses])
    html = _with_marks(html, nonce, addresses, found)
    attachments = frozenset(_ATTACHMENT.findall(html))
    return Rendered(
        html=with_sizes(html, links.measure, _sizes_of(attachments)),
        references=_references(found, names),
        links=sum(times for link, times in hrefs.items() if naming.leads_away(link)),
        images=len(_PICTURE.findall(html)),
        mentions=len(names),
        attachments=attachments,
        tags=tags,
    )


def filled(posts: Sequence[Post], viewer: Viewer) -> dict[int, Markup]:
    """The HTML of posts by id, with what this viewer may see of their live cards."""
    wanted = {
        target
        for post in posts
        if _OPEN in post.html
        for target, _plain in _MARK.findall(post.html)
    }
    cards = cards_for(viewer, wanted) if wanted else {}
    drawn = {
        target: render_to_string("threads/card.html", {"card": card}, using="pages").strip()
        for target, card in cards.items()
    }

    def fill(mark: re.Match[str]) -> str:
        return drawn.get(mark[1], mark[2])

    shown = {}
    for post in posts:
        html = _MARK.sub(fill, post.html) if _OPEN in post.html else post.html
        if _OWN_ID in html:
            # Headings of an article keep their addresses; those of answers get the post's own.
            html = html.replace(_OWN_ID, "" if post.number == 1 else f"{post.pk}-")
        shown[post.pk] = Markup(html)  # noqa: S704 - made by `render`
    return shown


def without_cards(html: str) -> Markup:
    """Stored HTML with the plain links in place of live cards: for mails."""
    return Markup(_MARK.sub(r"\2", html).replace(_OWN_ID, ""))  # noqa: S704 - made by `render`


@cache
def _parser() -> MarkdownIt:
    parser = new_parser().enable("linkify").disable("front_matter")
    parser.options["linkify"] = True
    assert parser.linkify is not None  # the package is among our requirements
    # Only what is spelled as an address becomes one: `model.py` and `README.md` are none.
    parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    return parser


def _call_names(tokens: Sequence[Token], nonce: str) -> tuple[dict[str, Named], tuple[str, ...]]:
    """Turn `@name` and `#tag` in words into links; returns whom and what they name.

    Their addresses are absolute until the relative ones of the text have been resolved.
    """
    here = f"https://{nonce}"
    places = list(_word_tokens(tokens))
    called = [match for _of, _at, token in places for match in _CALL.finditer(token.content)]
    names = naming.members_named(_first(match["name"] for match in called))
    tags = naming.tags_spelled(_first(match["tag"] for match in called))

    def link(match: re.Match[str]) -> tuple[str, str, str] | None:
        """The linked text, its address and class; or None for words that name nothing."""
        if match["tag"]:
            tag = tags.get(match["tag"])
            return (match[0], f"{here}/forum/tags/{quote(tag)}", "hashtag") if tag else None
        spelled = naming.longest_known(match["name"], names)
        if spelled is None:
            return None
        return f"@{spelled}", f"{here}/{names[spelled].name}", "mention"

    # From behind, so that the places before stay where they are.
    for inline, at, token in reversed(places):
        pieces = _pieces(token, link)
        if len(pieces) > 1:
            assert inline.children is not None  # the token is one of them
            inline.children[at : at + 1] = pieces
    meant = {naming.longest_known(match["name"], names) for match in called if match["name"]}
    return {name: names[name] for name in meant if name}, tuple(dict.fromkeys(tags.values()))


def _word_tokens(tokens: Sequence[Token]) -> Iterable[tuple[Token, int, Token]]:
    """Tokens of plain words outside of links, each with the token that holds it and its place."""
    for inline in tokens:
        depth = 0
        for at, token in enumerate(inline.children or ()):
            if token.type == "link_open" or _opens_link(token):
                depth += 1
            elif token.type == "link_close" or _closes_link(token):
                depth -= 1
            elif token.type == "text" and depth <= 0:
                yield inline, at, token


def _opens_link(token: Token) -> bool:
    return token.type == "html_inline" and token.content[:2].lower() == "<a"


def _closes_link(token: Token) -> bool:
    return token.type == "html_inline" and token.content[:3].lower() == "</a"


def _pieces(
    token: Token, link: Callable[[re.Match[str]], tuple[str, str, str] | None]
) -> list[Token]:
    """The token cut at what is linked."""
    text, pieces, done = token.content, [], 0
    for match in _CALL.finditer(text):
        linked = link(match)
        if linked is None:
            continue
        words, address, css = linked
        opening = Token("link_open", "a", 1, attrs={"href": address, "class": css})
        pieces += [_text(text[done : match.start()]), opening, _text(words)]
        pieces.append(Token("link_close", "a", -1))
        done = match.start() + len(words)
    return [*pieces, _text(text[done:])]


def _text(words: str) -> Token:
    return Token("text", "", 0, content=words)


def _first(words: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(word for word in words if word))[:MOST_NAMES]


def _mark_lone_links(tokens: list[Token], nonce: str) -> list[str]:
    """Put marks around paragraphs of nothing but a link; returns the paths that they lead to."""
    marked: list[tuple[int, str]] = []
    for at, (opening, inline) in enumerate(pairwise(tokens)):
        if opening.type == "paragraph_open" and opening.level == 0 and len(marked) < MOST_CARDS:
            path = naming.place_of(_lone_link(inline.children or []))
            if path:
                marked.append((at, path))
    for number, (at, _path) in reversed(list(enumerate(marked))):
        tokens.insert(at + 3, Token("html_block", "", 0, content=f"{nonce}={number}=\n"))
        tokens.insert(at, Token("html_block", "", 0, content=f"\n{nonce}+{number}+"))
    return [path for _at, path in marked]


def _lone_link(children: Sequence[Token]) -> str:
    if len(children) < 2 or children[0].type != "link_open" or children[-1].type != "link_close":
        return ""
    if any(token.type == "link_close" for token in children[:-1]):
        return ""
    return str(children[0].attrs.get("href", ""))


def _with_marks(html: str, nonce: str, addresses: list[str], found: dict[str, naming.Found]) -> str:
    """The marks as they are stored, around the links whose things were found."""

    def stored(match: re.Match[str]) -> str:
        thing = found.get(addresses[int(match[1])])
        # Raw HTML around it may have torn the paragraph apart; then it stays as it is.
        if thing is None or not _LONE_LINK.fullmatch(match[2]):
            return match[2]
        return f"{_OPEN}{thing.card}{_MIDDLE}{match[2]}{_CLOSE}"

    marked = re.sub(rf"\n?{nonce}\+(\d+)\+(.*?){nonce}=\1=\n?", stored, html, flags=re.DOTALL)
    return re.sub(rf"{nonce}[+=]\d+[+=]", "", marked)


def _hrefs(html: str) -> list[str]:
    return [address.replace("&amp;", "&") for address in _HREF.findall(html)]


def _references(
    found: dict[str, naming.Found], names: dict[str, Named]
) -> frozenset[tuple[str, int]]:
    things = {thing.reference for thing in found.values() if thing.reference is not None}
    people = {
        (Reference.Kind.MEMBER.value, named.user_id)
        for named in names.values()
        if named.user_id is not None
    }
    return frozenset(things | people)


def _sizes_of(attachments: frozenset[str]) -> dict[str, tuple[int, int]]:
    """Width and height of pictures among the files of a post, by address."""
    if not attachments:
        return {}
    rows = Attachment.objects.filter(pk__in=attachments, width__isnull=False)
    return {f"/attachments/{one.pk}": (one.width or 0, one.height or 0) for one in rows}
