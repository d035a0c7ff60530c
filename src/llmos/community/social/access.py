"""What can be followed, and which activities a viewer may see: asked anew at every look.

Every rule is that of a room to the left: repositories by the hub, results by evaluation,
conversations by threads. An activity is seen by whoever sees all that it names.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace, Organisation, User
from llmos.accounts.queries import namespace_named
from llmos.community.social.errors import ActivityNotFound, NothingToFollow
from llmos.community.social.models import Activity
from llmos.community.social.reading import (
    activities_of,
    first_posts,
    repositories_seen,
    threads_seen,
)
from llmos.community.threads.models import Post, State, Tag, Thread, Watch
from llmos.community.threads.tags import tag_named
from llmos.evaluation.access import visible_results_sql
from llmos.evaluation.models import Board, Result
from llmos.hub.access import repo_for
from llmos.hub.errors import RepoMoved
from llmos.hub.kinds import KINDS, Kind
from llmos.hub.models import Repository
from llmos.hub.queries import visible
from llmos.kit.errors import Refusal
from llmos.store import db

_TASK = re.compile(r"[a-z0-9][a-z0-9-]{1,59}")
_PREFIXES = {kind.prefix: kind for kind in KINDS.values() if kind.prefix}


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that can be followed. `path` is how feeds and forms spell it."""

    kind: Watch.Kind
    target: str
    path: str
    title: str
    address: str  # its own page
    namespace: Namespace | None = None  # of members and organisations
    repository: Repository | None = None
    tag: Tag | None = None

    @property
    def feed(self) -> str:
        return f"/feed/{self.path}"


@dataclass(frozen=True, slots=True)
class Seen:
    """An activity with what it names, all of which the viewer may see."""

    activity: Activity
    actor: User | None
    namespace: Namespace | None
    repository: Repository | None = None
    thread: Thread | None = None
    post: Post | None = None  # the first of a note, the accepted one of an answer
    result: Result | None = None
    why: tuple[tuple[str, str], ...] = ()  # what she follows of that which it is about


def subject_named(viewer: Viewer, path: str) -> Subject:
    """`ada`, `ada/model`, `datasets/ada/rows`, `tags/translation`, `tasks/translation`.

    Raises NothingToFollow.
    """
    if "\x00" in path:  # PostgreSQL refuses to look for it
        raise NothingToFollow
    first, _slash, rest = path.partition("/")
    if first == "tags" and rest:
        return _tag(rest)
    if first == "tasks" and rest:
        return _task(viewer, rest)
    if not rest:
        return _namespace(first)
    kind = _PREFIXES.get(f"{first}/", KINDS["model"])
    return of_repository(_repository(viewer, kind, path.removeprefix(kind.prefix)))


def subjects(viewer: Viewer, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Subject]:
    """The subjects behind (kind, target) pairs; what she may not see is left out."""
    targets: dict[str, list[str]] = {}
    for kind, target in wanted:
        targets.setdefault(kind, []).append(target)
    ids = {kind: [int(one) for one in found if one.isdecimal()] for kind, found in targets.items()}
    kinds = Watch.Kind
    found = [
        *map(of_member, _members(ids.get(kinds.MEMBER, []))),
        *map(of_organisation, _organisations(ids.get(kinds.ORGANISATION, []))),
        *map(of_repository, repositories_seen(viewer, ids.get(kinds.REPOSITORY, [])).values()),
        *map(of_tag, _tags(ids.get(kinds.TAG, []))),
        *map(of_task, targets.get(kinds.TASK, [])),
    ]
    return {(subject.kind, subject.target): subject for subject in found}


def seen(viewer: Viewer, activities: Sequence[Activity]) -> list[Seen]:
    """Those of some activities that the viewer may see, in the same order, ready to be shown.

    The activities come with `actor__namespace` and `namespace`.
    """
    repositories = repositories_seen(viewer, _ids(activities, "repository_id"))
    threads = threads_seen(viewer, _ids(activities, "thread_id"))
    results = results_seen(viewer, _ids(activities, "result_id"))
    posts = _posts(activities)
    found = []
    for one in activities:
        shown = Seen(
            activity=one,
            actor=one.actor,
            namespace=one.namespace,
            repository=repositories.get(one.repository_id or 0),
            thread=threads.get(one.thread_id or 0),
            post=posts.get(one.post_id or 0) or posts.get(-(one.thread_id or 0)),
            result=results.get(one.result_id or ""),
        )
        if _is_whole(shown):
            found.append(shown)
    return found


def activity_for(viewer: Viewer, activity_id: int) -> Seen:
    """Raises ActivityNotFound."""
    shown = seen(viewer, activities_of([activity_id]))
    if not shown:
        raise ActivityNotFound
    return shown[0]


def results_seen(viewer: Viewer, ids: Collection[str]) -> dict[str, Result]:
    """Those of some results that she may see, by id."""
    if not ids:
        return {}
    joins, condition, params = visible_results_sql(viewer)
    marks = db.marks(ids)
    rows = db.rows(
        f"SELECT x.id FROM evaluation_result x {joins} WHERE x.id IN ({marks}) AND {condition}",
        [*ids, *params],
    )
    found = Result.objects.filter(pk__in=[row[0] for row in rows]).select_related("board")
    return {result.pk: result for result in found}


def of_member(user: User) -> Subject:
    place = user.namespace
    return Subject(
        Watch.Kind.MEMBER,
        str(user.pk),
        place.name,
        place.full_name or place.name,
        f"/{place.name}",
        namespace=place,
    )


def of_organisation(organisation: Organisation) -> Subject:
    place = organisation.namespace
    return Subject(
        Watch.Kind.ORGANISATION,
        str(organisation.pk),
        place.name,
        place.full_name or place.name,
        f"/{place.name}",
        namespace=place,
    )


def of_repository(repository: Repository) -> Subject:
    path = str(repository)
    return Subject(
        Watch.Kind.REPOSITORY,
        str(repository.pk),
        path,
        repository.full_name,
        f"/{path}",
        repository=repository,
    )


def of_tag(tag: Tag) -> Subject:
    return Subject(
        Watch.Kind.TAG,
        str(tag.pk),
        f"tags/{tag.name}",
        tag.name,
        f"/forum/tags/{tag.name}",
        tag=tag,
    )


def of_task(task: str) -> Subject:
    return Subject(Watch.Kind.TASK, task, f"tasks/{task}", task, f"/feed/tasks/{task}")


def of_namespace(place: Namespace) -> Subject:
    if place.kind == Namespace.Kind.ORGANISATION:
        return replace(of_organisation(place.organisation), namespace=place)
    return replace(of_member(place.user), namespace=place)


def _namespace(name: str) -> Subject:
    place = namespace_named(name)
    if place is None or (place.kind == Namespace.Kind.USER and not place.user.is_active):
        raise NothingToFollow
    return of_namespace(place)


def _tag(word: str) -> Subject:
    tag = tag_named(word)
    if tag is None:
        raise NothingToFollow
    return of_tag(tag)


def _task(viewer: Viewer, task: str) -> Subject:
    """One that a repository or a benchmark here is for."""
    known = _TASK.fullmatch(task) and (
        visible(viewer).filter(pipeline_tag=task).exists()
        or Board.objects.filter(task=task, is_current=True).exists()
    )
    if not known:
        raise NothingToFollow
    return of_task(task)


def _repository(viewer: Viewer, kind: Kind, full_name: str) -> Repository:
    """Under its name or a former one."""
    try:
        return repo_for(viewer, kind, full_name, wants="see")
    except RepoMoved as moved:
        return repo_for(viewer, kind, moved.new, wants="see")
    except Refusal:
        raise NothingToFollow from None


def _ids(activities: Sequence[Activity], field: str) -> list[Any]:
    return list({value for one in activities if (value := getattr(one, field)) is not None})


def _is_whole(shown: Seen) -> bool:
    one = shown.activity
    if one.actor is not None and not one.actor.is_active:
        return False
    return (
        (one.repository_id is None or shown.repository is not None)
        and (one.thread_id is None or shown.thread is not None)
        and (one.result_id is None or shown.result is not None)
        and (one.post_id is None or shown.post is not None)
    )


def _members(ids: Collection[int]) -> list[User]:
    if not ids:
        return []
    return list(User.objects.select_related("namespace").filter(pk__in=ids, is_active=True))


def _organisations(ids: Collection[int]) -> list[Organisation]:
    if not ids:
        return []
    return list(Organisation.objects.select_related("namespace").filter(pk__in=ids))


def _tags(ids: Collection[int]) -> list[Tag]:
    return list(Tag.objects.filter(pk__in=ids)) if ids else []


def _posts(activities: Sequence[Activity]) -> dict[int, Post]:
    """Visible posts by id, and the first posts of notes by their thread's negative id."""
    notes = [one.thread_id for one in activities if one.kind == Activity.Kind.NOTE]
    first = first_posts([one for one in notes if one is not None])
    found = {-thread: post for thread, post in first.items()}
    answers = _ids(activities, "post_id")
    if answers:
        rows = Post.objects.filter(pk__in=answers, state=State.VISIBLE)
        found.update({post.pk: post for post in rows})
    return found
