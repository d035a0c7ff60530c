"""Text that members wrote, as HTML that is safe to show: Markdown, and highlighted code.

Markdown is CommonMark with tables, footnotes, task lists, heading anchors and TeX formulas
(as MathML, so no script is needed). Whatever comes out has passed an allow-list; nothing
of it can run, style the page, or load from another host. Size is bounded here; who calls
decides where relative links lead.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape, unescape
from itertools import pairwise
from types import MappingProxyType
from urllib.parse import quote, unquote, urlsplit

import nh3
from latex2mathml.converter import convert as tex_to_mathml
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.tasklists import tasklists_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import find_lexer_class_for_filename, get_lexer_by_name
from pygments.util import ClassNotFound

logger = logging.getLogger(__name__)

MARKDOWN_LIMIT = 256 * 1024  # characters rendered; longer texts are shown as they are
HIGHLIGHT_LIMIT = 256 * 1024  # characters coloured; lexers are slow
FORMULA_LIMIT = 2000  # characters of one formula
_NAMED_HEADINGS = frozenset({"h1", "h2", "h3", "h4"})
ID_PREFIX = "text-"  # keeps members' anchors apart from the page's own ids


# Width and height of the picture at an address, where they are known.
Measure = Callable[[str], tuple[int, int] | None]
MOST_MEASURED = 50  # pictures of one text
_UNSIZED = re.compile(r'<img\s(?![^>]*\b(?:width|height)=)[^>]*?\bsrc="([^"]+)"')


@dataclass(frozen=True, slots=True)
class LinkBase:
    """Where relative addresses in a text lead.

    `pages` and `raw` end in a slash: `/ns/name/blob/main/docs/` for links and
    `/ns/name/resolve/main/docs/` for pictures. Both empty: relative links are dropped.
    """

    pages: str = ""
    raw: str = ""
    top_pages: str = ""  # where a leading slash leads; the folder of the repository itself
    top_raw: str = ""
    anchors: str = ""  # put before the text's own anchors, where a page shows several texts
    measure: Measure | None = None  # for pictures of the place's own


@lru_cache(maxsize=64)
def render_markdown(text: str, links: LinkBase = LinkBase()) -> Markup:
    """Safe HTML of a Markdown text; its YAML front matter is left out."""
    if len(text) > MARKDOWN_LIMIT:
        return Markup("<pre>{}</pre>").format(text[:MARKDOWN_LIMIT])
    html = sanitised(_parser().render(text), links)
    return Markup(with_sizes(html, links.measure))  # noqa: S704 - it went through the allow-list


def with_sizes(
    html: str, measure: Measure | None, sizes: Mapping[str, tuple[int, int]] = MappingProxyType({})
) -> str:
    """Safe HTML whose pictures carry their width and height, so that nothing moves when they come.

    `sizes` are those that are known; others are measured in the order of the text, so that what
    is seen first has its place.
    """
    known: dict[str, tuple[int, int] | None] = dict(sizes)
    most = len(known) + MOST_MEASURED

    def sized(match: re.Match[str]) -> str:
        address = unescape(match[1])
        if address not in known:
            known[address] = measure(address) if measure and len(known) < most else None
        size = known[address]
        return f'<img width="{size[0]}" height="{size[1]}"{match[0][4:]}' if size else match[0]

    return _UNSIZED.sub(sized, html) if measure or sizes else html


def highlight_lines(text: str, name: str) -> list[Markup]:
    """The lines of a file with its words in `<span class=…>`; plain when its kind is unknown."""
    if len(text) > HIGHLIGHT_LIMIT:
        return [Markup.escape(line) for line in text.splitlines()]
    try:
        lexer = find_lexer_class_for_filename(name)
    except ClassNotFound:
        lexer = None
    if lexer is None:
        return [Markup.escape(line) for line in text.splitlines()]
    html = highlight(text, lexer(stripnl=False, ensurenl=False), HtmlFormatter(nowrap=True))
    # The formatter closes its spans at each line's end, so cutting there is safe.
    return [Markup(line) for line in html.rstrip("\n").split("\n")]  # noqa: S704 - escaped by it


def sanitised(html: str, links: LinkBase = LinkBase()) -> str:
    """HTML that anybody may have written, less all that is not on the allow-list."""
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute_rule(links),
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow ugc noopener",
        strip_comments=True,
    )


@cache
def _parser() -> MarkdownIt:
    return new_parser()


def new_parser() -> MarkdownIt:
    """The house's Markdown, for rooms that change what it found; its HTML is not safe yet."""
    parser = (
        MarkdownIt("commonmark", {"html": True, "highlight": _coloured})
        .enable(["table", "strikethrough"])
        .use(front_matter_plugin)
        .use(footnote_plugin)
        .use(tasklists_plugin, label=True)
        .use(dollarmath_plugin, allow_space=False, allow_digits=False, renderer=_formula)
    )
    parser.core.ruler.push("headings", _name_headings)
    parser.core.ruler.push("columns", _align_columns)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    parser.add_render_rule("image", _picture)
    parser.add_render_rule("fence", _fence)
    return parser


def _name_headings(state: StateCore) -> None:
    """Give headings an id and a link to it; of thousands with one title each in a step or two."""
    given: dict[str, int] = {}
    for opening, inline in pairwise(state.tokens):
        if opening.type != "heading_open" or opening.tag not in _NAMED_HEADINGS:
            continue
        children = inline.children if inline.children is not None else []
        title = "".join(one.content for one in children if one.type in {"text", "code_inline"})
        slug = name = _slug(title)
        while name in given:
            given[slug] += 1
            name = f"{slug}-{given[slug]}"
        given[name] = 0
        opening.attrSet("id", name)
        link = Token("link_open", "a", 1, attrs={"class": "header-anchor", "href": f"#{name}"})
        sign = Token("html_block", "", 0, content="#")
        children += [
            Token("text", "", 0, content=" "),
            link,
            sign,
            Token("link_close", "a", -1),
        ]


def _align_columns(state: StateCore) -> None:
    """Say by a class where the words of a column stand, since no text brings its own style."""
    for token in state.tokens:
        if token.type in {"td_open", "th_open"} and "style" in token.attrs:
            side = str(token.attrs.pop("style")).removeprefix("text-align:")
            token.attrSet("class", f"to-{side}")


def _slug(title: str) -> str:
    """As GitHub and the hub make them, so that existing tables of contents work."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def _coloured(code: str, language: str, attributes: str) -> str:
    if not language or len(code) > HIGHLIGHT_LIMIT:
        return ""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return ""
    html: str = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return html


def _formula(tex: str, options: dict[str, bool]) -> str:
    block = options.get("display_mode", False)
    if len(tex) <= FORMULA_LIMIT:
        try:
            mathml: str = tex_to_mathml(tex, display="block" if block else "inline")
        except Exception:  # a formula is anybody's text, the converter may stumble
            logger.info("a formula is shown as it was typed", exc_info=True)
            mathml = ""
        if mathml:
            return f'<div class="scroll" tabindex="0">{mathml}</div>' if block else mathml
    return f"<code>{escape(tex)}</code>"


def _fence(
    renderer: RendererHTML, tokens: list[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[at]
    language = token.info.split()[0] if token.info.strip() else ""
    body = _coloured(token.content, language, "") or escape(token.content, quote=False)
    return f'<pre class="hl" tabindex="0"><code>{body}</code></pre>\n'


def _table_open(
    renderer: RendererHTML, tokens: list[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    # A wide table scrolls by itself, also for those who scroll with the keyboard.
    return '<div class="scroll" tabindex="0"><table>\n'


def _table_close(
    renderer: RendererHTML, tokens: list[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    return "</table></div>\n"


def _picture(
    renderer: RendererHTML, tokens: list[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """A picture; one on another host becomes a link, since pages load nothing from elsewhere."""
    token = tokens[at]
    address = str(token.attrs.get("src", ""))
    words = escape(renderer.renderInlineAsText(token.children or [], options, env))
    if urlsplit(address).netloc:
        return f'<a href="{escape(address)}">{words or escape(address)}</a>'
    return f'<img src="{escape(address)}" alt="{words}" loading="lazy">'


_MATHML = set(
    "math mrow mi mn mo ms mtext mspace msup msub msubsup mfrac msqrt mroot mover munder "
    "munderover mtable mtr mtd mstyle mpadded mphantom menclose mmultiscripts mprescripts".split()
)
_TAGS = _MATHML | set(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption "
    "figure h1 h2 h3 h4 h5 h6 hr i img input ins kbd label li mark ol p pre q rp rt ruby s samp "
    "section small span strong sub summary sup table tbody td tfoot th thead tr u ul var".split()
)
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"class", "id", "lang", "dir", "title", "align"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "loading"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "input": {"type", "checked", "disabled"},
    "details": {"open"},
    "pre": {"tabindex"},
    "div": {"tabindex"},
    "math": {"display"},
    "mo": {"stretchy", "fence", "form", "separator", "lspace", "rspace", "minsize", "maxsize"},
    "mi": {"mathvariant"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mspace": {"width"},
    "mtd": {"columnalign"},
    "mtable": {"columnalign", "rowspacing", "columnspacing"},
    "mover": {"accent"},
    "mfrac": {"linethickness"},
}
# Classes of ours that a text may use: footnotes, task lists, anchors, names of members and tags,
# columns; on spans, highlighting.
_CLASSES = re.compile(
    r"hl|scroll|anchor|header-anchor|footnote[a-z-]*|contains-task-list|task-list-item(-checkbox)?"
    r"|mention|hashtag|to-(left|center|right)"
)
_WORD_CLASSES = re.compile(r"[a-z]{1,2}[a-z0-9]?")


def _attribute_rule(links: LinkBase) -> Callable[[str, str, str], str | None]:
    def rule(tag: str, name: str, value: str) -> str | None:
        if name == "class":
            allowed = _WORD_CLASSES if tag == "span" else _CLASSES
            kept = [part for part in value.split() if allowed.fullmatch(part)]
            return " ".join("anchor" if part == "header-anchor" else part for part in kept) or None
        if name == "id":
            return _anchor(value, links)
        if name == "tabindex":
            return "0"
        if tag == "input":
            return _only_a_box(name, value)
        if name == "href":
            return _link(value, links)
        if name == "src":
            return _source(value, links)
        return value

    return rule


def _anchor(name: str, links: LinkBase) -> str:
    return ID_PREFIX + links.anchors + name.removeprefix(ID_PREFIX)


def _only_a_box(name: str, value: str) -> str | None:
    return "checkbox" if name == "type" else value


def _link(address: str, links: LinkBase) -> str | None:
    if address.startswith("#"):
        return "#" + _anchor(unquote(address[1:]), links)
    return _resolved(address, links.pages, links.top_pages)


def _source(address: str, links: LinkBase) -> str | None:
    if urlsplit(address).netloc or ":" in address.split("/", maxsplit=1)[0]:
        return None  # the alternative text stands in its place
    return _resolved(address, links.raw, links.top_raw)


def _resolved(address: str, base: str, top: str) -> str | None:
    """An absolute address as it is; a relative one below `base`, never above the repository."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme or parts.netloc:
        return address
    if not base:
        return None
    if parts.path.startswith("/"):
        start, path = top or base, parts.path.lstrip("/")
    else:
        start, path = base, parts.path
    folder = start[len(top) :] if top and start.startswith(top) else ""
    root = start[: len(start) - len(folder)]
    steps: list[str] = [step for step in folder.split("/") if step]
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in {"", "."}:
            steps.append(quote(unquote(step)))
    query = f"?{parts.query}" if parts.query else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return root + "/".join(steps) + query + fragment
