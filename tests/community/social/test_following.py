import pytest
from tests.community.social.rows import follows, member, shared

from llmos.accounts.access import ANONYMOUS, Viewer
from llmos.accounts.actions import create_organisation
from llmos.community.social.access import subject_named, subjects
from llmos.community.social.actions import follow, unfollow, write_note
from llmos.community.social.errors import NoteTooLong, NothingToFollow
from llmos.community.social.queries import (
    OWN_KINDS,
    count_followers,
    count_following,
    followers_of,
    following_of,
    overview_facts,
    suggestions,
)
from llmos.community.social.queries import follows as is_following
from llmos.community.threads.deeds import set_watch
from llmos.community.threads.models import Watch
from llmos.community.trust.actions import keep_away
from llmos.community.trust.errors import KeptAway
from llmos.hub import actions as hub
from llmos.kit.errors import Forbidden, Invalid, Unauthenticated

pytestmark = pytest.mark.django_db


def test_following_twice_is_following_once_and_can_be_taken_back() -> None:
    eve, ada = member("eve-a"), member("ada-a")
    subject = follows(eve, "ada-a")
    follows(eve, "ada-a")
    assert count_followers(Watch.Kind.MEMBER, str(ada.user_id)) == 1
    assert count_following(eve.user_id or 0) == 1
    unfollow(eve, subject=subject)
    unfollow(eve, subject=subject)
    assert count_followers(Watch.Kind.MEMBER, str(ada.user_id)) == 0


def test_whoever_watches_every_post_goes_on_doing_so() -> None:
    eve, ada = member("eve-b"), member("ada-b")
    target = str(ada.user_id)
    set_watch(eve, kind=Watch.Kind.MEMBER, target=target, level=Watch.Level.WATCHING)
    follows(eve, "ada-b")
    assert Watch.objects.get(user_id=eve.user_id, target=target).level == Watch.Level.WATCHING


def test_nobody_follows_oneself_or_who_blocks_one() -> None:
    eve, ada = member("eve-c"), member("ada-c")
    with pytest.raises(Invalid):
        follows(eve, "eve-c")
    keep_away(user_id=ada.user_id or 0, other_id=eve.user_id or 0, degree="block")
    with pytest.raises(KeptAway):
        follows(eve, "ada-c")


def test_one_must_be_signed_in_with_the_right_to_write() -> None:
    ada = member("ada-d")
    subject = subject_named(ANONYMOUS, "ada-d")
    with pytest.raises(Unauthenticated):
        follow(ANONYMOUS, subject=subject)
    reader = Viewer(user_id=ada.user_id, name=ada.name, can_write=False)
    with pytest.raises(Forbidden):
        follow(reader, subject=subject)


@pytest.mark.parametrize(
    "path",
    ["", "/", "nobody-here", "ada-e/nothing", "datasets/ada-e/x", "tags/none", "tasks/none",
     "tasks/../x", "ada-e/secret", "spaces/", "a/b/c", "tags/", "\x00"],
)  # fmt: skip
def test_what_is_missing_or_private_cannot_be_followed_and_looks_the_same(path: str) -> None:
    eve, ada = member("eve-e"), member("ada-e")
    shared(ada, "secret", private=True)
    with pytest.raises(NothingToFollow):
        subject_named(eve, path)


def test_a_renamed_repository_keeps_its_followers() -> None:
    eve, ada = member("eve-f2"), member("ada-f2")
    model = shared(ada, "old")
    follows(eve, "ada-f2/old")
    hub.move_repository(viewer=ada, repository=model, namespace="ada-f2", name="new")
    subject = subject_named(eve, "ada-f2/old")
    assert subject.path == "ada-f2/new"
    assert is_following(eve.user_id, subject.kind, subject.target)


def test_lists_of_follows_leave_out_what_the_viewer_may_not_know() -> None:
    eve, ada, bob = member("eve-g2"), member("ada-g2"), member("bob-g2")
    secret = shared(ada, "plan")
    for path in ("ada-g2", "ada-g2/plan"):
        follows(eve, path)
    hub.change_settings(repository=secret, visibility="private")
    own, _more = following_of(eve, eve.user_id or 0, limit=10, kinds=OWN_KINDS)
    assert [one.path for one in own] == ["ada-g2"]
    others, _more = following_of(bob, eve.user_id or 0, limit=10)
    assert [one.path for one in others] == ["ada-g2"]
    assert subjects(bob, [(Watch.Kind.REPOSITORY, str(secret.pk))]) == {}


def test_lists_of_followers_come_in_pages() -> None:
    ada = member("ada-h2")
    for number in range(5):
        follows(member(f"fan-{number}-h2"), "ada-h2")
    kind, target = Watch.Kind.MEMBER, str(ada.user_id)
    first = followers_of(kind, target, limit=3)
    rest = followers_of(kind, target, limit=3, before=first[-1].pk)
    names = [row.user.username for row in (*first, *rest)]
    assert names == [f"fan-{number}-h2" for number in (4, 3, 2, 1, 0)]


def test_an_overview_has_the_numbers_of_followers() -> None:
    from llmos.accounts.models import Namespace, User

    eve, _ada = member("eve-i2"), member("ada-i2")
    owner = User.objects.get(username="ada-i2")
    organisation = create_organisation(name="lab-i2", owner=owner)
    follows(eve, "ada-i2")
    follows(eve, "lab-i2")
    member_facts = overview_facts(eve, Namespace.objects.get(name="ada-i2").pk)
    assert member_facts == {"numFollowing": 0, "numFollowers": 1, "isFollowing": True}
    assert overview_facts(ANONYMOUS, organisation.namespace_id) == {
        "numFollowers": 1,
        "isFollowing": False,
    }


def test_suggestions_are_public_busy_and_not_followed_yet() -> None:
    from tests.community.social.rows import settled, topic

    eve, ada = member("eve-j2"), member("ada-j2")
    shared(ada, "shown")
    shared(ada, "hidden", private=True)
    topic(ada, "Talk", tags=["talk-j2"])
    settled()
    found = suggestions(eve, each=3)
    assert [one.path for one in found[Watch.Kind.MEMBER]] == ["ada-j2"]
    assert [one.path for one in found[Watch.Kind.REPOSITORY]] == ["ada-j2/shown"]
    assert [one.path for one in found[Watch.Kind.TAG]] == ["tags/talk-j2"]
    follows(eve, "ada-j2")
    assert suggestions(eve, each=3)[Watch.Kind.MEMBER] == []


def test_a_note_has_five_hundred_characters_at_most() -> None:
    eve = member("eve-k2")
    assert write_note(eve, text="字" * 500).language == "zh"
    with pytest.raises(NoteTooLong) as refused:
        write_note(eve, text="字" * 501)
    assert "501" in refused.value.message
    with pytest.raises(Invalid):
        write_note(eve, text=" \n ")
