"""Who is to hear of a post: those it names, those it answers, and those who watch its place.

The strongest reason wins. What a member set for a thread itself goes before what she set for
the places around it.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from llmos.accounts.access import viewer_of_user
from llmos.accounts.models import User
from llmos.community.notifications.kinds import Kind
from llmos.community.threads.models import Post, Reference, State, Thread, ThreadTag, Watch
from llmos.community.trust.models import Distance
from llmos.hub.access import rights_of
from llmos.hub.models import ChangeRequest, Repository
from llmos.kit.time import now

_THREAD, _LEVEL = Watch.Kind.THREAD, Watch.Level


@dataclass(frozen=True, slots=True)
class Place:
    """Something that can be watched: its kind, and its id or name."""

    kind: str
    target: str


def post_to_tell(post_id: int) -> Post | None:
    """The post with its thread, if others may read it now."""
    post = (
        Post.objects.select_related("thread__repository", "thread__author", "reply_to")
        .filter(pk=post_id, state=State.VISIBLE, thread__state=State.VISIBLE, deed="")
        .first()
    )
    if post is None or post.thread.published_at is None or post.thread.published_at > now():
        return None
    return post


def named_in(post: Post) -> dict[int, Kind]:
    """Members whom the post itself is for, each with the strongest reason."""
    thread = post.thread
    reasons: list[tuple[int | None, Kind]] = []
    if thread.author_id is not None and post.number > 1 and _follows_own(thread):
        reasons.append((thread.author_id, Kind.REPLY))
    references = Reference.objects.filter(post=post)
    quoted = references.filter(kind=Reference.Kind.POST).values_list("target", flat=True)
    authors = Post.objects.filter(pk__in=quoted).values_list("author_id", flat=True)
    reasons += [(author, Kind.QUOTE) for author in authors]
    if post.reply_to is not None:
        reasons.append((post.reply_to.author_id, Kind.REPLY))
    reasons += [(user_id, Kind.MENTION) for user_id in mentioned_in(post)]
    found: dict[int, Kind] = {}
    order = list(Kind)
    for user_id, kind in reasons:
        if user_id is not None and order.index(kind) <= order.index(found.get(user_id, kind)):
            found[user_id] = kind
    kept = _willing(found, thread, _LEVEL.NORMAL)
    return {user_id: kind for user_id, kind in found.items() if user_id in kept}


def mentioned_in(post: Post) -> list[int]:
    rows = Reference.objects.filter(post=post, kind=Reference.Kind.MEMBER)
    return list(User.objects.filter(pk__in=rows.values("target")).values_list("pk", flat=True))


def kind_for_watchers(post: Post) -> Kind:
    if post.number > 1:
        return Kind.POST
    return Kind.ARTICLE if post.thread.place == Thread.Place.ARTICLE else Kind.THREAD


def watchers(post: Post, *, after: int, limit: int) -> list[int]:
    """The next members, by id, who watch the thread or its place closely enough for this post.

    Of what is new in a place followers hear; of every post, and of notes, only watchers.
    """
    is_news = post.number == 1 and post.thread.place != Thread.Place.NOTE
    level = _LEVEL.FOLLOWING if is_news else _LEVEL.WATCHING
    return watching(places_of(post), level=level, after=after, limit=limit)


def watching(places: Collection[Place], *, level: int, after: int, limit: int) -> list[int]:
    """The next members, by id, who watch one of these places at least so closely."""
    rows = Watch.objects.filter(_any_of(places), level__gte=level, user_id__gt=after)
    return list(rows.values_list("user_id", flat=True).distinct().order_by("user_id")[:limit])


def following_thread(thread: Thread, *, after: int, limit: int) -> list[int]:
    """The next members, by id, who are told of what is new in a thread."""
    place = Place(_THREAD, str(thread.pk))
    return watching([place], level=_LEVEL.FOLLOWING, after=after, limit=limit)


def unless_muted(user_ids: Collection[int], thread: Thread) -> set[int]:
    """Less those who muted the thread."""
    return _willing(user_ids, thread, _LEVEL.NORMAL)


def willing_watchers(user_ids: Collection[int], post: Post) -> set[int]:
    """Less those who muted a place of it, or set the thread itself to less."""
    places = places_of(post)
    muted = Watch.objects.filter(_any_of(places), level=_LEVEL.MUTED, user_id__in=user_ids)
    kept = set(user_ids) - set(muted.values_list("user_id", flat=True))
    return _willing(kept, post.thread, _LEVEL.WATCHING)


def places_of(post: Post) -> list[Place]:
    """Where a post is heard of: its thread, what that stands in, its tags, and its author."""
    thread = post.thread
    places = [Place(Watch.Kind.THREAD, str(thread.pk))]
    if thread.place == Thread.Place.TOPIC:
        places.append(Place(Watch.Kind.CATEGORY, str(thread.shelf)))
    tags = ThreadTag.objects.filter(thread=thread).values_list("tag_id", flat=True)
    places += [Place(Watch.Kind.TAG, str(tag)) for tag in tags]
    if thread.repository_id is not None:
        places.append(Place(Watch.Kind.REPOSITORY, str(thread.repository_id)))
    if post.author_id is not None:
        places.append(Place(Watch.Kind.MEMBER, str(post.author_id)))
    organisation = getattr(thread.namespace, "organisation", None) if thread.namespace else None
    if organisation is not None:
        places.append(Place(Watch.Kind.ORGANISATION, str(organisation.pk)))
    return places


def without_distant(user_ids: Collection[int], actor_id: int | None) -> set[int]:
    """Less the actor, and less whoever mutes, ignores or blocks the actor."""
    kept = set(user_ids) - {actor_id}
    if actor_id is None or not kept:
        return kept
    distant = Distance.objects.filter(other_id=actor_id, user_id__in=kept)
    return kept - set(distant.values_list("user_id", flat=True))


def who_may_see(user_ids: Collection[int], repository: Repository | None) -> set[int]:
    """Active members who may know of the repository; everybody of a public one."""
    active = User.objects.filter(pk__in=user_ids, is_active=True)
    if repository is None or not (repository.is_private or repository.disabled):
        return set(active.values_list("pk", flat=True))
    return {user.pk for user in active if rights_of(viewer_of_user(user), repository).see}


def keepers_of(repository: Repository) -> list[int]:
    """Who looks after a repository: its owner, or those who may write in its organisation."""
    writers = Q(memberships__organisation__namespace_id=repository.namespace_id) & Q(
        memberships__role__in=["write", "admin"]
    )
    found = User.objects.filter(Q(namespace_id=repository.namespace_id) | writers)
    return list(found.values_list("pk", flat=True).distinct())


def opens_discussion(post: Post) -> bool:
    """Whether it begins a discussion on a repository that is no change request's."""
    thread = post.thread
    if post.number > 1 or thread.place != Thread.Place.DISCUSSION or thread.repository_id is None:
        return False
    addresses = (
        f"/{change.repository}/discussions/{change.number}"
        for change in ChangeRequest.objects.select_related("repository").filter(
            repository_id=thread.repository_id, title=thread.title
        )
    )
    return thread.address not in addresses


def keepers_to_tell(post: Post) -> set[int]:
    """Who keeps the repository of a discussion, unless she muted it."""
    repository = post.thread.repository
    return willing_watchers(keepers_of(repository), post) if repository is not None else set()


def first_post_of_change(change: ChangeRequest) -> int | None:
    """What opens the conversation of a change request."""
    rows = Post.objects.filter(
        thread__place=Thread.Place.DISCUSSION,
        thread__shelf=change.repository_id,
        thread__address=f"/{change.repository}/discussions/{change.number}",
        number=1,
    )
    return rows.values_list("pk", flat=True).first()


def _follows_own(thread: Thread) -> bool:
    """Whoever opened a thread watches it from the start, unless she set it to something else."""
    row = Watch.objects.filter(user=thread.author, kind=_THREAD, target=str(thread.pk))
    level = row.values_list("level", flat=True).first()
    return level is not None and level >= _LEVEL.WATCHING


def _willing(user_ids: Collection[int], thread: Thread, level: int) -> set[int]:
    """Less those who set this thread to less than a level."""
    less = Watch.objects.filter(
        kind=_THREAD, target=str(thread.pk), level__lt=level, user_id__in=user_ids
    )
    return set(user_ids) - set(less.values_list("user_id", flat=True))


def _any_of(places: Collection[Place]) -> Q:
    found = Q(pk__in=[])
    for place in places:
        found |= Q(kind=place.kind, target=place.target)
    return found
