"""What discussions promise, on rows and real git repositories."""

from uuid import uuid4

import pytest

from llmos.accounts.access import ANONYMOUS, Viewer, viewer_of_user
from llmos.accounts.actions import create_user
from llmos.community.discussions import actions, queries, tasks
from llmos.community.discussions.access import discussion_for
from llmos.community.discussions.errors import DiscussionNotFound
from llmos.community.discussions.models import Deed, Discussion
from llmos.community.threads.actions import Where, begin_thread, set_closed
from llmos.community.threads.errors import ThreadClosed
from llmos.community.threads.models import Post, Reference, State, Thread
from llmos.community.threads.rendering import Rendered
from llmos.community.trust.errors import NotTrustedYet, TooFast
from llmos.community.trust.models import Credit, Level, Standing
from llmos.hub import changes, telling
from llmos.hub.actions import create_repository, move_repository, record_push
from llmos.hub.git import refs
from llmos.hub.git.draft import Draft
from llmos.hub.kinds import KINDS
from llmos.hub.models import ChangeRequest, Repository
from llmos.kit.errors import Conflict, Forbidden, Invalid
from llmos.kit.time import now

pytestmark = pytest.mark.django_db


def member() -> Viewer:
    """Somebody who may write as fast as tests do."""
    user = create_user(name=f"m-{uuid4().hex[:8]}")
    Standing.objects.update_or_create(pk=user.pk, defaults={"level": Level.LEADER, "held": True})
    return viewer_of_user(user)


def repository_of(owner: Viewer, *, visibility: str = "public") -> Repository:
    return create_repository(
        viewer=owner,
        kind=KINDS["model"],
        namespace=None,
        name=f"r-{uuid4().hex[:8]}",
        visibility=visibility,
    )


def discussed(viewer: Viewer, repository: Repository, **more: str) -> Discussion:
    words = {"title": "A question", "text": "Why?", **more}
    return actions.open_discussion(viewer, repository=repository, **words)


def proposed(viewer: Viewer, repository: Repository, path: str = "a.txt") -> Discussion:
    """An open change request with one commit."""
    change = actions.propose(viewer, repository=repository, title="A change", text="Because.")
    push(viewer, change, path)
    found = queries.of_change(repository.pk, change.number)
    assert found is not None
    actions.set_status(viewer, discussion=found, status="open")
    return found


def push(viewer: Viewer, change: ChangeRequest, path: str) -> tuple[str, str]:
    ref = f"refs/pr/{change.number}"
    old = refs.read_ref(change.repository_id, ref)
    assert old is not None
    draft = Draft(change.repository_id, old)
    draft.describe(summary=f"Add *{path}*", description="", author=viewer.name)
    draft.write(path, b"x\n")
    landed = draft.land(ref, old=old, retry=False)
    record_push(
        repository=change.repository, ref=ref, old=old, new=landed.new, user_id=viewer.user_id
    )
    return old, landed.new


def test_discussions_and_change_requests_share_their_numbers() -> None:
    owner = member()
    repository = repository_of(owner)
    assert discussed(owner, repository).number == 1
    assert proposed(owner, repository).number == 2
    assert discussed(owner, repository).number == 3
    listed = queries.discussions(repository.pk, queries.Wish())
    assert [row.number for row in listed] == [3, 2, 1]
    assert queries.open_count(repository.pk) == 3


def test_a_form_that_is_sent_twice_opens_one_discussion() -> None:
    owner = member()
    repository = repository_of(owner)
    first, second = (discussed(owner, repository, key="once") for _ in range(2))
    assert (first.pk, first.number) == (second.pk, second.number)


def test_a_change_request_is_never_there_without_its_conversation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = member()
    repository = repository_of(owner)

    def killed(change: ChangeRequest, description: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(telling, "_tellers", [*telling._tellers, (killed, killed)])
    with pytest.raises(KeyboardInterrupt):
        actions.propose(owner, repository=repository, title="Lost", text="x")
    assert not ChangeRequest.objects.filter(repository=repository).exists()
    assert not Thread.objects.filter(repository=repository).exists()


def test_what_happens_stands_between_what_is_said() -> None:
    owner = member()
    discussion = proposed(owner, repository_of(owner))
    actions.rename(owner, discussion=discussion, title="Better")
    actions.comment(owner, discussion=discussion, text="Now it is good.")
    actions.merge(owner, discussion=discussion, text="In it goes.")
    told = [(post.deed, post.text) for post in queries.posts_of(discussion)]
    assert told == [
        ("", "Because."),
        (Deed.OPEN, ""),
        (Deed.RENAMED, "A change"),
        ("", "Now it is good."),
        ("", "In it goes."),
        (Deed.MERGED, ""),
    ]
    found = Discussion.objects.select_related("thread", "change_request").get(pk=discussion.pk)
    assert (found.thread.title, found.status, found.is_open) == ("Better", "merged", False)
    assert queries.facts_for_search([found.pk]) == {found.pk: ["status:merged", "is:change"]}


def test_no_word_is_left_of_a_merge_that_failed() -> None:
    owner, guest = member(), member()
    repository = repository_of(owner)
    first, second = proposed(guest, repository, "a.txt"), proposed(owner, repository, "b.txt")
    actions.merge(owner, discussion=second)
    actions.set_status(guest, discussion=first, status="closed")
    with pytest.raises(Conflict, match="Only open change requests"):
        actions.merge(owner, discussion=first, text="Thank you")
    assert not Post.objects.filter(thread=first.thread, text="Thank you").exists()
    with pytest.raises(Forbidden):
        actions.merge(guest, discussion=first)


def test_pushed_commits_are_told_once_and_as_they_are_called() -> None:
    owner = member()
    discussion = proposed(owner, repository_of(owner))
    change = discussion.change_request
    assert change is not None
    old, new = push(owner, change, "b.txt")
    for _ in range(2):
        tasks.on_ref_updated.call(
            repository_id=change.repository_id,
            ref=f"refs/pr/{change.number}",
            old=old,
            new=new,
            user_id=owner.user_id,
        )
    line = Post.objects.get(thread=discussion.thread, deed=Deed.PUSHED)
    assert new[:8] in line.html
    assert "Add *b.txt*" in line.html


def test_closed_may_be_talked_about_and_locked_may_not() -> None:
    owner, guest = member(), member()
    discussion = discussed(guest, repository_of(owner))
    actions.set_status(guest, discussion=discussion, status="closed", text="Found it")
    with pytest.raises(Invalid, match="closed already"):
        actions.set_status(owner, discussion=discussion, status="closed")
    actions.comment(guest, discussion=discussion, text="One word more")
    assert owner.user_id is not None
    set_closed(thread=discussion.thread, user_id=owner.user_id, closed=True)
    with pytest.raises(ThreadClosed):
        actions.comment(guest, discussion=discussion, text="And one more")


def test_strangers_change_nothing() -> None:
    owner, guest, stranger = member(), member(), member()
    discussion = discussed(guest, repository_of(owner))
    said = actions.comment(guest, discussion=discussion, text="Mine")
    with pytest.raises(Forbidden):
        actions.rename(stranger, discussion=discussion, title="Not yours")
    with pytest.raises(Forbidden):
        actions.set_status(stranger, discussion=discussion, status="closed")
    with pytest.raises(Forbidden):
        actions.hide_comment(stranger, discussion=discussion, post=said)
    with pytest.raises(Invalid, match="cannot be hidden"):
        first = Post.objects.get(thread=discussion.thread, number=1)
        actions.hide_comment(guest, discussion=discussion, post=first)
    assert actions.hide_comment(owner, discussion=discussion, post=said).state == "removed"


def test_a_merged_change_credits_who_gave_it_and_who_looked_at_it() -> None:
    owner, guest = member(), member()
    repository = repository_of(owner)
    given, own = proposed(guest, repository, "a.txt"), proposed(owner, repository, "b.txt")
    for discussion in (given, own):
        actions.merge(owner, discussion=discussion)
        for _ in range(2):
            tasks.on_change_request_changed.call(
                repository_id=repository.pk, number=discussion.number, status="merged"
            )
    credited = Credit.objects.filter(kind="review").values_list("user_id", "subject")
    subject = f"change:{repository.pk}/{given.number}"
    assert set(credited) == {(owner.user_id, subject), (guest.user_id, subject)}


def test_discussions_move_with_their_repository() -> None:
    owner = member()
    repository = repository_of(owner)
    discussion = discussed(owner, repository)
    moved = move_repository(
        viewer=owner, repository=repository, namespace=owner.name, name=f"n-{uuid4().hex[:8]}"
    )
    tasks.on_repository_changed.call(repository_id=repository.pk)
    discussion.thread.refresh_from_db()
    assert discussion.thread.address == f"/{moved.full_name}/discussions/1"


def test_mentions_are_those_that_the_viewer_finds() -> None:
    owner, guest = member(), member()
    named, secret = repository_of(owner), repository_of(owner, visibility="private")
    own, hidden = discussed(owner, named), discussed(owner, secret)
    note = begin_thread(
        where=Where(place=Thread.Place.NOTE, shelf=0),
        author_id=owner.user_id or 0,
        title="",
        text="Look",
        rendered=Rendered(html="<p>Look</p>"),
        address="/notes/{id}",
        tags=[],
        published_at=now(),
    )
    for thread in (own.thread, hidden.thread, note):
        post = Post.objects.get(thread=thread, number=1)
        Reference.objects.create(post=post, kind="repository", target=named.pk)
    assert {thread.pk for thread in queries.mentions_of(owner, named)} == {hidden.pk, note.pk}
    assert [thread.pk for thread in queries.mentions_of(guest, named)] == [note.pk]
    assert [thread.pk for thread in queries.mentions_of(ANONYMOUS, named)] == [note.pk]


def test_a_base_that_moved_on_does_not_widen_a_change() -> None:
    owner = member()
    repository = repository_of(owner)
    first, second = proposed(owner, repository, "a.txt"), proposed(owner, repository, "b.txt")
    actions.merge(owner, discussion=first)
    actions.merge(owner, discussion=second)
    change = ChangeRequest.objects.get(repository=repository, number=second.number)
    base, head = changes.ends(change)
    assert base == change.base != head


def newcomer() -> Viewer:
    return viewer_of_user(create_user(name=f"n-{uuid4().hex[:8]}"))


def test_what_describes_a_change_is_held_to_the_limits_of_posts() -> None:
    repository, new = repository_of(member()), newcomer()
    links = " ".join(f"https://a.example/{n}" for n in range(3))
    names = " ".join(f"@{member().name}" for _ in range(3))
    for text in (links, names):
        with pytest.raises(NotTrustedYet):
            actions.propose(new, repository=repository, title="Look here", text=text)
    assert not ChangeRequest.objects.filter(repository=repository).exists()

    for title in ("One", "Two"):
        actions.propose(new, repository=repository, title=title, text=f"{title} of few")
    with pytest.raises(TooFast):
        actions.propose(new, repository=repository, title="Three", text="")


def test_what_looks_like_a_burst_waits_and_who_keeps_the_repository_sees_it() -> None:
    owner, new, reader = member(), newcomer(), member()
    repository = repository_of(owner)
    copied = "Cheap followers for every model, today and only here"
    actions.propose(new, repository=repository, title="First", text=copied)
    second = actions.propose(new, repository=repository, title="Second", text=copied)

    assert post_of(second).state == State.PENDING
    with pytest.raises(DiscussionNotFound):
        discussion_for(reader, repository, second.number)
    for viewer in (owner, new):
        assert discussion_for(viewer, repository, second.number).number == second.number


def test_a_change_without_a_description_is_one() -> None:
    owner = member()
    change = actions.propose(owner, repository=repository_of(owner), title="Bare", text="")
    assert (post_of(change).html, post_of(change).state) == ("", State.VISIBLE)


def post_of(change: ChangeRequest) -> Post:
    return Post.objects.get(thread__discussion__change_request=change, number=1)
