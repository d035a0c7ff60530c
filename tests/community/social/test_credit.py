import pytest
from tests.community.social.rows import follows, member, settled, shared, topic, user_of
from tests.evaluation.rows import committed

from llmos.accounts.access import ANONYMOUS
from llmos.community.social.credit import contributions
from llmos.community.social.plots import bars_of
from llmos.community.social.queries import (
    credits_by_kind,
    credits_by_month,
    credits_of,
    latest,
)
from llmos.community.threads.actions import write_post
from llmos.community.trust.actions import credit
from llmos.hub import actions as hub

pytestmark = pytest.mark.django_db


def test_a_public_repository_with_something_in_it_counts_once() -> None:
    ada = member("ada-x")
    model = shared(ada, "counted")
    committed(model, {"README.md": b"# Card\n"})
    settled()
    assert credits_by_kind(ada.user_id or 0)["model"] == 0
    for content in (b"{}", b"{ }"):
        committed(model, {"config.json": content})
        settled()
    assert credits_by_kind(ada.user_id or 0)["model"] == 1


def test_a_private_one_counts_when_it_becomes_public() -> None:
    ada = member("ada-y")
    rows = shared(ada, "rows", kind="dataset", private=True)
    committed(rows, {"train.csv": b"a,b\n"})
    settled()
    assert credits_by_kind(ada.user_id or 0)["dataset"] == 0
    hub.change_settings(repository=rows, visibility="public")
    settled()
    assert credits_by_kind(ada.user_id or 0)["dataset"] == 1


def test_spaces_are_shared_but_no_contribution() -> None:
    ada = member("ada-z")
    space = shared(ada, "page", kind="space")
    committed(space, {"index.html": b"<p>"})
    settled()
    assert not any(credits_by_kind(ada.user_id or 0).values())


def test_a_list_of_contributions_names_only_what_the_viewer_may_know() -> None:
    ada, bob = member("ada-w"), member("bob-w")
    model = shared(ada, "once-public")
    thread = topic(ada, "A question")
    answer = write_post(ada, thread=thread, text="An answer")
    for kind, subject in (
        ("model", f"model:{model.pk}"),
        ("answer", f"post:{answer.pk}"),
        ("article", f"article:{thread.pk}"),
        ("review", f"change:{model.pk}/7"),
        ("task", "task:8"),
        ("evaluation", "unheard-of:1"),
    ):
        credit(user_id=ada.user_id or 0, kind=kind, subject=subject)
    hub.change_settings(repository=model, visibility="private")

    def shown(viewer: object, kind: str) -> tuple[str, str]:
        rows = credits_of(ada.user_id or 0, kind, limit=9)
        (found,) = contributions(viewer, rows)  # type: ignore[arg-type]
        return found.title, found.address

    assert shown(ada, "model") == ("ada-w/once-public", "/ada-w/once-public")
    assert shown(bob, "model") == shown(ANONYMOUS, "model") == ("", "")
    assert shown(bob, "answer") == ("A question", f"{thread.address}#post-2")
    assert shown(bob, "article") == ("A question", thread.address)
    assert shown(ada, "task") == ("First task 8", "/first-tasks/8")
    assert shown(ada, "review") == shown(ada, "evaluation") == ("", "")


def test_twelve_months_end_with_this_one() -> None:
    ada = member("ada-v")
    credit(user_id=ada.user_id or 0, kind="answer", subject="post:1")
    credit(user_id=ada.user_id or 0, kind="answer", subject="post:2")
    months = credits_by_month(ada.user_id or 0)
    assert len({month.first for month in months}) == 12
    assert months[-1].counts == {"answer": 2}
    assert sum(month.total for month in months) == 2
    plot = bars_of([month.total for month in months])
    assert plot.bars[-1].height == plot.height
    assert plot.bars[0].height == 0


def test_what_a_member_did_last_comes_in_pages() -> None:
    ada = member("ada-t2")
    for number in range(5):
        topic(ada, f"Topic {number}")
    follows(member("eve-t2"), "ada-t2")
    settled()
    kind, target = "member", str(user_of(ada).pk)
    first = latest(ANONYMOUS, kind, target, limit=3)
    rest = latest(ANONYMOUS, kind, target, limit=3, before=first[-1].activity.pk)
    titles = [one.thread.title for one in (*first, *rest) if one.thread]
    assert titles == [f"Topic {number}" for number in (4, 3, 2, 1, 0)]
