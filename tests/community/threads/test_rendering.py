from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.community.keeping import answer, member, topic, viewer

from llmos.accounts.access import ANONYMOUS, viewer_of_user
from llmos.community.threads.models import Post, Reference, TagAlias
from llmos.community.threads.rendering import filled, render
from llmos.community.threads.tags import set_tags, tag_named
from llmos.hub.actions import create_repository
from llmos.hub.kinds import KINDS
from llmos.hub.models import RepositoryTag
from llmos.store.markup import LinkBase

pytestmark = pytest.mark.django_db
HOSTILE = (Path(__file__).parent / "corpus" / "hostile.txt").read_text().splitlines()


class _Harm(HTMLParser):
    """Notes every tag and attribute that could run, style or load something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FORBIDDEN:
            self.found.append(tag)
        for name, value in attrs:
            address = (value or "").strip().lower()
            if name.startswith("on") or name in {"style", "srcset", "target", "ping", "background"}:
                self.found.append(f"{tag} {name}")
            if name in {"href", "src"} and address.startswith(("javascript", "data:", "vbscript")):
                self.found.append(f"{tag} {name}={value}")
            if name == "src" and "//" in address:
                self.found.append(f"{tag} {name}={value}")
            if name == "class" and {"masthead", "button", "live-card"} & set(address.split()):
                self.found.append(f"{tag} class={value}")
            if name == "id" and not address.startswith("text-"):
                self.found.append(f"{tag} id={value}")


FORBIDDEN = frozenset(
    "script style iframe object embed form button base meta link svg video audio textarea "
    "template noscript title body marquee xss".split()
)


def shown(text: str, *, by: object = ANONYMOUS, number: int = 2) -> str:
    post = Post(pk=7, number=number, html=render(text).html)
    return str(filled([post], by)[7])  # type: ignore[arg-type]  # a viewer


@pytest.mark.parametrize("line", HOSTILE)
def test_nothing_that_members_write_runs_or_loads(line: str) -> None:
    look = _Harm()
    look.feed(shown(line))
    look.close()
    assert look.found == []


def test_all_hostile_lines_in_one_post_do_no_harm_either() -> None:
    look = _Harm()
    look.feed(shown("\n\n".join(HOSTILE)))
    assert look.found == []


def test_members_are_called_by_their_names_and_never_in_code() -> None:
    ada = member()
    name = ada.username
    found = render(f"Hi @{name}. 谢谢@{name}你好 `@{name}` @nobody-here x@{name}.org")
    assert found.html.count(f'<a href="/{name}" class="mention"') == 2
    assert f"<code>@{name}</code>" in found.html
    assert ("member", ada.pk) in found.references
    assert found.mentions == 1


def test_a_name_at_the_end_of_a_sentence_is_found_without_the_dot() -> None:
    ada = member()
    assert f'">@{ada.username}</a>.' in render(f"Thanks, @{ada.username}.").html


def test_tags_lead_to_their_pages_in_any_spelling() -> None:
    assert set_tags(topic(viewer()), ["Translation"])
    TagAlias.objects.create(alias="翻译", tag=tag_named("translation"))
    found = render("See #Translation and #翻译 and #something-new but not #12 or a#b")
    assert found.html.count('href="/forum/tags/translation"') == 2
    assert 'href="/forum/tags/something-new"' in found.html
    assert found.tags == ("translation", "something-new")
    assert tag_named("something-new") is None  # words in a text make no tags


def test_a_link_on_its_own_line_becomes_a_card_for_who_may_see_the_thing() -> None:
    owner, stranger = member(), viewer()
    repository = create_repository(
        viewer=viewer_of_user(owner),
        kind=KINDS["model"],
        namespace=None,
        name="secret-model",
        visibility="private",
    )
    link = f"/{repository.full_name}"
    text = f"Look:\n\n[my model]({link})\n\nand [inline]({link}) too"
    assert 'class="live-card"' in shown(text, by=viewer_of_user(owner))
    assert 'class="live-card"' not in shown(text, by=stranger)
    # Private and missing look the same but for the address that was typed.
    missing = shown(text.replace("secret-model", "nothing"), by=stranger)
    assert shown(text, by=stranger) == missing.replace("nothing", "secret-model")
    assert ("repository", repository.pk) in render(text).references


def test_conversations_and_posts_become_cards_by_relative_and_absolute_addresses() -> None:
    author = viewer()
    thread = topic(author, title="A thing to read")
    post = answer(author, thread, "These are the words of the answer")
    text = f"<http://localhost:8000{thread.address}>\n\n[x](/posts/{post.pk})\n\n/posts/{post.pk}"
    html = shown(text)
    assert html.count('class="live-card"') == 2
    assert "These are the words" in html
    assert {("thread", thread.pk), ("post", post.pk)} <= render(text).references


def test_a_paper_has_a_card_that_counts_what_here_names_it_and_she_may_see() -> None:
    owner, stranger = member(), viewer()
    for name, visibility in (("open-one", "public"), ("closed-one", "private")):
        repository = create_repository(
            viewer=viewer_of_user(owner),
            kind=KINDS["model"],
            namespace=None,
            name=name,
            visibility=visibility,
        )
        RepositoryTag.objects.create(repository=repository, tag="arxiv:1706.03762")
    text = "https://arxiv.org/pdf/1706.03762v7.pdf\n\nand <https://arxiv.org/abs/9999.99999> too"
    html = shown(text, by=stranger)
    assert html.count('class="live-card"') == 1
    assert 'href="https://arxiv.org/abs/1706.03762"' in html
    assert "1 model here" in html
    assert "2 models here" in shown(text, by=viewer_of_user(owner))


def test_nobody_can_write_the_marks_of_a_card() -> None:
    thread = topic(viewer(), title="Not to be shown")
    for forged in (
        f"\ue000thread:{thread.pk}\ue002x\ue001",
        f"&#xE000;thread:{thread.pk}&#xE002;x&#xE001;",
        f"<p>&#57344;thread:{thread.pk}&#57346;x&#57345;</p>",
        f"<p title='&#xE000;thread:{thread.pk}&#xE002;'>&#xE001;</p>",
    ):
        assert 'class="live-card"' not in shown(forged)
        assert not any("\ue000" <= character <= "\uf8ff" for character in shown(forged))


def test_raw_html_around_a_link_cannot_tear_a_card_apart() -> None:
    thread = topic(viewer())
    for before in ("<table>", "<div><table><tr>", "<a href='/x'>", "<b>", "<ul><li>"):
        html = shown(f"{before}\n\n[x]({thread.address})\n\nafter")
        assert "+0+" not in html
        assert "=0=" not in html
        assert "after" in html


def test_quotes_refer_to_the_post_and_stay_links() -> None:
    author = viewer()
    post = answer(author, topic(author))
    found = render(f"> [@somebody](/posts/{post.pk})\n>\n> words\n\nmine")
    assert (Reference.Kind.POST, post.pk) in found.references
    assert "<blockquote>" in found.html


def test_links_pictures_and_people_are_counted() -> None:
    ada, bob = member(), member()
    found = render(
        f"[a](https://one.example) https://two.example [here](/models) @{ada.username} "
        f"@{bob.username} @{bob.username} ![p](/attachments/{'a' * 32})\n\n"
        "<a href='https://three.example'>x</a> ![far](https://four.example/x.png)"
    )
    assert (found.links, found.images, found.mentions) == (4, 1, 2)
    assert found.attachments == {"a" * 32}


def test_anchors_of_posts_on_one_page_differ() -> None:
    text = "## Setup\n\nwords[^1]\n\n[^1]: a note"
    posts = [Post(pk=pk, number=pk, html=render(text).html) for pk in (1, 2, 3)]
    html = filled(posts, ANONYMOUS)
    assert 'id="text-setup"' in html[1]
    assert 'id="text-2-setup"' in html[2]
    assert 'href="#text-3-fn1"' in html[3]


def test_names_keep_their_addresses_where_relative_links_lead_elsewhere() -> None:
    ada = member()
    links = LinkBase(pages="/a/b/blob/main/", raw="/a/b/resolve/main/", top_pages="/a/b/blob/main/")
    html = render(f"@{ada.username} [file](docs/x.md)", links).html
    assert f'href="/{ada.username}"' in html
    assert 'href="/a/b/blob/main/docs/x.md"' in html
