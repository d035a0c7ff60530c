"""Members' texts as HTML: what is kept, what never gets through."""

import re
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmos.store.markup import (
    MOST_MEASURED,
    LinkBase,
    highlight_lines,
    render_markdown,
    with_sizes,
)

BASE = LinkBase(
    pages="/a/b/blob/main/docs/",
    raw="/a/b/resolve/main/docs/",
    top_pages="/a/b/blob/main/",
    top_raw="/a/b/resolve/main/",
)
FORBIDDEN = re.compile(
    r"<(script|style|iframe|object|embed|form|svg|link|meta|base|button|textarea)\b"
    r"|<[^>]*\s(on\w+|style|srcset|formaction)=|(href|src)=\"\s*(javascript|data|vbscript):",
    re.IGNORECASE,
)


def test_columns_stand_where_the_table_says() -> None:
    html = render_markdown("| a | b | c |\n|---|:-:|--:|\n| 1 | 2 | 3 |\n")
    assert "<td>1</td>" in html
    assert '<td class="to-center">2</td>' in html
    assert '<th class="to-right">c</th>' in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[x](javascript:alert(1))",
        '<a href="java\nscript:alert(1)">x</a>',
        "<svg onload=alert(1)>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        '<div style="position:fixed" class="masthead" id="main">x</div>',
        '<iframe src="//evil"></iframe><form action="//evil"><button>x</button></form>',
        "$\\href{javascript:alert(1)}{x}$",
        "```<script>\n</pre><script>alert(1)</script>\n```",
        "![x](data:text/html,<script>alert(1)</script>)",
    ],
)
def test_nothing_that_runs_or_restyles_gets_through(hostile: str) -> None:
    html = render_markdown(hostile, BASE)
    assert not FORBIDDEN.search(html)
    assert 'class="masthead"' not in html
    assert 'id="main"' not in html


@given(
    st.text(alphabet=st.sampled_from("<>\"'=/ \nascriptonerrorhref:jvl`$[]()!&#;x-"), max_size=200)
)
def test_no_mix_of_markup_makes_a_script(text: str) -> None:
    assert not FORBIDDEN.search(render_markdown(text, BASE))


def test_relative_links_stay_in_the_repository() -> None:
    html = render_markdown("[a](x.md) [b](../y.md) [c](/z.md) [d](../../../../../e.md)", BASE)
    assert re.findall('href="([^"]*)"', html) == [
        "/a/b/blob/main/docs/x.md",
        "/a/b/blob/main/y.md",
        "/a/b/blob/main/z.md",
        "/a/b/blob/main/e.md",
    ]


def test_pictures_come_from_the_repository_or_become_links() -> None:
    html = render_markdown("![mine](p.png) ![theirs](https://elsewhere.example/p.png)", BASE)
    assert '<img src="/a/b/resolve/main/docs/p.png" alt="mine"' in html
    assert '<a href="https://elsewhere.example/p.png"' in html
    assert html.count("<img") == 1


def test_anchors_lead_to_headings_and_never_to_the_pages_own_ids() -> None:
    html = render_markdown("# How to use\n\n[there](#how-to-use)", BASE)
    assert 'id="text-how-to-use"' in html
    assert 'href="#text-how-to-use"' in html


def test_formulas_become_mathml_and_bad_ones_stay_text() -> None:
    assert "<msup>" in render_markdown("$x^2$")
    assert "x + 1" in render_markdown(f"$x + 1{'y' * 3000}$")


def test_the_front_matter_is_left_out() -> None:
    assert "license" not in render_markdown("---\nlicense: mit\n---\nText")


@pytest.mark.parametrize("bad", ["[" * 50_000, "*a" * 25_000, ">" * 50_000, "$" * 50_000])
def test_a_hostile_text_costs_little_time(bad: str) -> None:
    start = time.process_time()
    render_markdown(bad)
    assert time.process_time() - start < 5


def test_code_keeps_its_lines() -> None:
    text = 'def f():\n    """a\n    b"""\n\n    return "<b>"\n'
    lines = highlight_lines(text, "f.py")
    plain = [re.sub(r"<[^>]*>", "", line) for line in lines]
    assert plain[:2] == ["def f():", '    """a']
    assert len(lines) == 5
    assert "<b>" not in "".join(lines)


def test_unknown_kinds_of_files_are_shown_plain() -> None:
    assert highlight_lines("<a>\nb", "x.unknownkind") == ["&lt;a&gt;", "b"]


def test_pictures_of_the_place_carry_their_size_once_measured() -> None:
    asked: list[str] = []

    def measure(address: str) -> tuple[int, int] | None:
        asked.append(address)
        return (3, 2) if address.endswith("a%26b.png") else None

    text = (
        "![a](a&b.png) ![again](a&b.png) ![none](c.png)\n\n"
        '<img alt="x" src="a&b.png"> <img src="a&b.png" width="9">'
    )
    html = render_markdown(text, replace(BASE, measure=measure))
    assert html.count('<img width="3" height="2"') == 3
    assert html.count('width="9"') == 1
    assert asked == ["/a/b/resolve/main/docs/a%26b.png", "/a/b/resolve/main/docs/c.png"]


def test_only_so_many_pictures_of_a_text_are_measured() -> None:
    asked: list[str] = []
    text = "".join(f"![x]({n}.png)\n" for n in range(2 * MOST_MEASURED))
    render_markdown(text, replace(BASE, measure=asked.append))
    assert len(asked) == MOST_MEASURED


def test_sizes_that_are_known_need_no_measuring_however_many() -> None:
    names = [f"/a/{n}.png" for n in range(2 * MOST_MEASURED)]
    html = "".join(f'<img src="{name}">' for name in names)
    sized = with_sizes(html, None, dict.fromkeys(names, (4, 3)))
    assert sized.count('<img width="4" height="3" src="/a/') == len(names)
