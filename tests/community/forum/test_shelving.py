"""Categories and tags as administrators change them."""

import pytest
from django.test import Client
from django.utils.translation import override
from tests.community.forum.rows import opened

from llmos.accounts.access import Viewer
from llmos.accounts.models import User
from llmos.community.forum import queries, shelving
from llmos.community.forum.access import category_for
from llmos.community.forum.errors import NotHere
from llmos.community.forum.models import Category
from llmos.community.forum.shelving import Wish
from llmos.community.threads.models import Tag
from llmos.community.threads.tags import tag_named
from llmos.kit.errors import Conflict, Forbidden, Invalid


def slugs() -> list[str]:
    return [category.slug for category in queries.categories()]


def wish(**changes: object) -> Wish:
    fields = {"slug": "papers", "kind": "open", "title_en": "Papers", "title_zh": "论文"}
    return Wish(**{**fields, **changes})  # type: ignore[arg-type]


def test_the_first_categories_are_made_once(keeper: Viewer) -> None:
    assert slugs() == ["announcements", "questions", "show", "support", "discussion"]
    Category.objects.filter(slug="show").delete()
    shelving.make_first()
    assert "show" not in slugs()


def test_categories_speak_both_languages() -> None:
    found = category_for("questions")
    with override("zh-hans"):
        assert found.title == "提问"
    with override("en"):
        assert found.title == "Questions"


def test_administrators_add_rename_reorder_and_retire(keeper: Viewer, asker: Viewer) -> None:
    made = shelving.add_category(keeper, wish())
    shelving.step_category(keeper, category=made, up=True)
    assert slugs()[-2:] == ["papers", "discussion"]
    shelving.change_category(keeper, category=made, wish=wish(title_en="Papers read"))
    assert category_for("papers").title_en == "Papers read"

    topic = opened(asker, "Worth reading", slug="papers")
    shelving.set_retired(keeper, category=made, retired=True)
    assert "papers" not in slugs()
    with pytest.raises(NotHere):
        opened(asker, "Too late", slug="papers")
    assert Client().get(topic.thread.address).status_code == 200


def test_what_is_wrong_with_a_category_is_said(keeper: Viewer, asker: Viewer) -> None:
    with pytest.raises(Forbidden):
        shelving.add_category(asker, wish())
    with pytest.raises(Conflict):
        shelving.add_category(keeper, wish(slug="questions"))
    for wrong in (
        {"slug": "Über"},
        {"title_zh": ""},
        {"kind": "odd"},
        {"opens_from": 9},
        {"about_en": "x" * 201},
    ):
        with pytest.raises(Invalid):
            shelving.add_category(keeper, wish(**wrong))


def test_a_spelling_belongs_to_one_tag(keeper: Viewer) -> None:
    tag = Tag.objects.get(name="data")
    shelving.change_tag(
        keeper, tag=tag, title_en="Data", title_zh="数据", aliases=["Corpora", "数据", " "]
    )
    found = tag_named("corpora")
    assert found is not None
    assert found.pk == tag.pk
    assert tag_named("语料") is None
    with pytest.raises(Conflict):
        shelving.change_tag(keeper, tag=tag, title_en="Data", title_zh="", aliases=["翻译"])
    with pytest.raises(Conflict):
        shelving.change_tag(keeper, tag=tag, title_en="Data", title_zh="", aliases=["training"])


def test_the_pages_of_categories_are_for_administrators(keeper: Viewer, asker: Viewer) -> None:
    client = Client()
    client.force_login(User.objects.get(pk=asker.user_id))
    assert client.get("/forum/categories").status_code == 403
    assert client.get("/forum/tags/data/change").status_code == 403

    client.force_login(User.objects.get(pk=keeper.user_id))
    fields = {name: getattr(wish(), name) for name in ("slug", "kind", "title_en", "title_zh")}
    assert client.post("/forum/categories", {**fields, "title_zh": ""}).status_code == 400
    assert client.post("/forum/categories", fields).status_code == 302
    client.post("/forum/categories/papers", {"deed": "up"})
    assert slugs()[-2:] == ["papers", "discussion"]
    assert client.get("/forum/categories").status_code == 200


def test_a_refused_change_of_a_category_keeps_what_was_written(keeper: Viewer) -> None:
    browser = Client()
    browser.force_login(User.objects.get(pk=keeper.user_id))
    sent = {"title_en": "", "title_zh": "求助台", "kind": "support", "opens_from": "0"}

    answer = browser.post("/forum/categories/support", sent)

    assert answer.status_code == 400
    assert '<details class="card shelf-form" id="support" open>' in answer.text
    assert 'value="求助台"' in answer.text
    assert category_for("support").title_zh != "求助台"
