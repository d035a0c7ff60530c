"""Polls: one ballot for each member, results only afterwards, an end that is told once."""

from datetime import timedelta

import pytest
from django.test import Client
from django_tasks_db.models import DBTaskResult
from tests.community.forum.rows import opened

from llmos.accounts.access import Viewer
from llmos.accounts.leaving import finish_leaving, leave
from llmos.accounts.models import User
from llmos.community.forum.errors import PollIsClosed, VotedAlready
from llmos.community.forum.models import Ballot, Choice, Poll
from llmos.community.forum.polls import poll_for, poll_from, tell_closed, vote
from llmos.kit.errors import Invalid, NotFound
from llmos.kit.time import now


def drafted(**changes: object) -> object:
    fields = {
        "question": "Which size?",
        "choices": "tiny\nsmall\n\nsmall\nbase",
        "is_multiple": False,
        "closes_at": None,
    }
    return poll_from(**{**fields, **changes})  # type: ignore[arg-type]


def polled(viewer: Viewer, **changes: object) -> Poll:
    topic = opened(viewer, "A poll", slug="discussion", poll=drafted(**changes))
    return Poll.objects.get(post__thread=topic.pk)


def votes(poll: Poll) -> list[int]:
    rows = Choice.objects.filter(poll=poll).order_by("place")
    return list(rows.values_list("votes", flat=True))


def test_each_member_votes_once(asker: Viewer, helper: Viewer) -> None:
    poll = polled(asker)
    vote(asker, poll=poll, places=[1])
    vote(helper, poll=poll, places=[1])
    with pytest.raises(VotedAlready):
        vote(asker, poll=poll, places=[0])

    assert votes(poll) == [0, 2, 0]
    assert Poll.objects.get().voters == Ballot.objects.count() == 2


def test_a_vote_for_what_is_not_there_changes_nothing(asker: Viewer) -> None:
    poll = polled(asker)
    for wrong in ([], [7], [0, 1]):
        with pytest.raises(Invalid):
            vote(asker, poll=poll, places=wrong)
    assert (votes(poll), Ballot.objects.count()) == ([0, 0, 0], 0)


def test_several_choices_where_the_poll_takes_them(asker: Viewer) -> None:
    poll = polled(asker, is_multiple=True)
    vote(asker, poll=poll, places=[2, 0, 2])
    assert (votes(poll), Poll.objects.get().voters) == ([1, 0, 1], 1)


def test_a_closed_poll_takes_no_votes(asker: Viewer) -> None:
    poll = polled(asker, closes_at=now() + timedelta(days=1))
    Poll.objects.update(closes_at=now() - timedelta(seconds=1))
    with pytest.raises(PollIsClosed):
        vote(asker, poll=poll, places=[0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"question": ""},
        {"choices": "one"},
        {"choices": "\n".join(map(str, range(21)))},
        {"choices": f"a\n{'b' * 121}"},
        {"question": "q" * 201},
        {"closes_at": now() - timedelta(days=1)},
    ],
)
def test_a_poll_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        drafted(**wrong)


def test_without_question_and_choices_there_is_no_poll() -> None:
    assert drafted(question=" ", choices="\n") is None


def test_results_show_after_voting(asker: Viewer, helper: Viewer) -> None:
    poll = polled(asker)
    vote(asker, poll=poll, places=[0])
    client, address = Client(), poll.post.thread.address
    client.force_login(User.objects.get(pk=helper.user_id))
    assert "poll-result" not in client.get(address).content.decode()

    client.post(f"/posts/{poll.post_id}/vote", {"choice": "1"})

    page = client.get(address).content.decode()
    assert "poll-result" in page
    assert "50 %" in page
    assert "poll-result" in Client().get(address).content.decode()


def test_a_poll_one_may_not_see_is_not_there(asker: Viewer, helper: Viewer) -> None:
    poll = polled(asker)
    thread = poll.post.thread
    thread.state = "hidden"
    thread.save()
    with pytest.raises(NotFound):
        poll_for(helper, poll.post_id)


def left(viewer: Viewer) -> None:
    """Her account is deleted, as she asked for."""
    leave(User.objects.get(pk=viewer.user_id), removes_text=False)
    finish_leaving(viewer.user_id or 0)


def test_votes_of_who_leaves_an_open_poll_leave_it_too(asker: Viewer, helper: Viewer) -> None:
    poll = polled(asker, is_multiple=True)
    vote(asker, poll=poll, places=[1])
    vote(helper, poll=poll, places=[1, 2])

    left(helper)

    assert (votes(poll), Poll.objects.get().voters, Ballot.objects.count()) == ([0, 1, 0], 1, 1)


def test_the_result_of_a_closed_poll_stands_and_says_who_has_left(
    asker: Viewer, helper: Viewer
) -> None:
    poll = polled(asker, closes_at=now() + timedelta(days=1))
    vote(asker, poll=poll, places=[1])
    vote(helper, poll=poll, places=[2])
    Poll.objects.update(closes_at=now() - timedelta(seconds=1))
    address = poll.post.thread.address
    assert "has left since" not in Client().get(address).content.decode()

    left(helper)

    page = Client().get(address).content.decode()
    assert (votes(poll), Poll.objects.get().voters) == ([0, 1, 1], 2)
    assert "2 members have voted · 1 of them has left since" in page


def test_the_end_of_a_poll_is_told_with_what_came_out(asker: Viewer, helper: Viewer) -> None:
    poll = polled(asker, closes_at=now() + timedelta(days=1))
    tell_closed(poll.pk)
    assert heard_ends() == []
    for viewer in (asker, helper):
        vote(viewer, poll=poll, places=[1])
    Poll.objects.update(closes_at=now() - timedelta(seconds=1))

    tell_closed(poll.pk)

    assert heard_ends() == [
        {
            "poll_id": poll.pk,
            "post_id": poll.post_id,
            "leading": ["small"],
            "share": 100,
            "voters": [asker.user_id, helper.user_id],
        }
    ]


def heard_ends() -> list[dict[str, object]]:
    """What notifications were told of polls that closed."""
    rows = DBTaskResult.objects.filter(task_path__endswith="notifications.tasks.on_poll_closed")
    return [row.args_kwargs["kwargs"] for row in rows]
