"""What the forum adds to posts: the accepted answer, the button that accepts, polls, splitting."""

from collections.abc import Sequence

from django.http import HttpRequest
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.community.forum import queries
from llmos.community.forum.access import topic_rights
from llmos.community.forum.models import Poll, Topic
from llmos.community.forum.polls import share_of
from llmos.community.threads.access import sees_post
from llmos.community.threads.additions import Control
from llmos.community.threads.addresses import post_address
from llmos.community.threads.models import Post, State, Thread
from llmos.community.threads.rendering import filled
from llmos.hub.additions import Panel
from llmos.hub.door import viewer_of_page


def controls(viewer: Viewer, thread: Thread, posts: Sequence[Post]) -> dict[int, list[Control]]:
    """Accepting an answer, while there is none, and taking that back."""
    return _accepting(viewer, thread, posts, beside=True)


def menu(viewer: Viewer, thread: Thread, posts: Sequence[Post]) -> dict[int, list[Control]]:
    """Accepting another answer, and splitting from a post on."""
    found = _accepting(viewer, thread, posts, beside=False)
    topic = _topic_of(thread)
    if topic is None or not topic_rights(viewer, topic).moderate:
        return found
    for post in posts:
        if post.number > 1 and not post.deed:
            address = f"/t/{thread.pk}/arrange?post={post.pk}#split"
            control = Control(address, _("Split off"), "branch", is_link=True)
            found.setdefault(post.pk, []).append(control)
    return found


def answer(request: HttpRequest, thread: Thread, posts: Sequence[Post]) -> dict[int, Panel]:
    """The accepted answer under the question, and a mark on the answer itself."""
    topic = _topic_of(thread)
    if topic is None or topic.answer_id is None:
        return {}
    found = {post.pk: Panel("forum/accepted.html") for post in posts if post.pk == topic.answer_id}
    if posts and posts[0].number == 1:
        given = next((post for post in posts if post.pk == topic.answer_id), None)
        if given is None:  # it stands on a later page
            given = Post.objects.select_related("author__namespace").get(pk=topic.answer_id)
            given.thread = thread
        viewer = viewer_of_page(request)
        if sees_post(viewer, given):
            address = post_address(thread.address, given.number)
            context = {"answer": given, "html": filled([given], viewer)[given.pk]}
            found[posts[0].pk] = Panel("forum/answer.html", {**context, "address": address})
    return found


def polls(request: HttpRequest, thread: Thread, posts: Sequence[Post]) -> dict[int, Panel]:
    if thread.place != Thread.Place.TOPIC:
        return {}
    found = queries.polls_of([post.pk for post in posts])
    if not found:
        return {}
    viewer = viewer_of_page(request)
    ballots = queries.ballots_of(viewer, [poll.pk for poll in found.values()])
    return {
        post_id: Panel("forum/poll.html", _shown(viewer, poll, ballots.get(poll.pk)))
        for post_id, poll in found.items()
    }


def _shown(viewer: Viewer, poll: Poll, ballot: list[int] | None) -> dict[str, object]:
    """Results after voting, after the end, and for whoever cannot vote."""
    choices = sorted(poll.choices.all(), key=lambda choice: choice.place)
    return {
        "poll": poll,
        "choices": choices,
        "ballot": ballot,
        "may_vote": poll.is_open and ballot is None and viewer.user_id is not None,
        # Of an open poll votes leave with their members (taking.forget).
        "departed": 0 if poll.is_open else poll.voters - poll.ballots.count(),
        "share": {one.pk: share_of(one.votes, poll) for one in choices},
    }


def _accepting(
    viewer: Viewer, thread: Thread, posts: Sequence[Post], *, beside: bool
) -> dict[int, list[Control]]:
    """The button by post, for those where it stands `beside` the reactions or for the others."""
    topic = _topic_of(thread)
    if topic is None or viewer.is_anonymous or not topic_rights(viewer, topic).accept:
        return {}
    return {
        post.pk: [_accept_button(topic, post)]
        for post in posts
        if post.number > 1 and not post.deed and post.state == State.VISIBLE
        if (topic.answer_id in (None, post.pk)) == beside
    }


def _accept_button(topic: Topic, post: Post) -> Control:
    is_answer = topic.answer_id == post.pk
    return Control(
        f"/posts/{post.pk}/accept?seen={topic.answer_id or ''}",
        _("Accepted") if is_answer else _("This answers it"),
        "check",
        value="0" if is_answer else "1",
        is_pressed=is_answer,
    )


def _topic_of(thread: Thread) -> Topic | None:
    """The forum's own row, which its page has read already."""
    if thread.place != Thread.Place.TOPIC:
        return None
    return getattr(thread, "topic", None)
