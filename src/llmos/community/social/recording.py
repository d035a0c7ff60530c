"""Writing down what happened: once for each deed, with all that it is about.

Everything but the deed itself is read from the rows as they are now, so a late or a second
call ends the same.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from llmos.accounts.models import Namespace, Organisation
from llmos.community.social.models import About, Activity
from llmos.community.threads.models import Tag, Thread, ThreadTag, Watch
from llmos.hub.models import Repository
from llmos.kit.text import language_of

# Reactions or likes from which on something is shown to all who read its language.
POPULAR_FROM = 3
# Deeds that whoever follows the thing itself need not be told of.
_ONLY_FOR_FOLLOWERS_OF_THE_MEMBER = {Activity.Kind.LIKE}

Pair = tuple[str, str]


@transaction.atomic
def record(*, key: str, kind: str, at: datetime, newest: bool = False, **fields: Any) -> Activity:
    """The row of a deed. One that is there stays as it is, but with `newest` follows the last."""
    row, is_new = Activity.objects.get_or_create(
        key=key, defaults={"kind": kind, "at": at, **fields}
    )
    if not is_new and newest and at > row.at:
        for name, value in {"at": at, **fields}.items():
            setattr(row, name, value)
        row.save(update_fields=["at", *fields])
    describe(row)
    return row


@transaction.atomic
def describe(activity: Activity) -> None:
    """Bring language, warmth and subjects of an activity to what its rows say now."""
    activity.language, activity.warmth = _language(activity), _warmth(activity)
    activity.save(update_fields=["language", "warmth"])
    wanted = subjects_of(activity)
    rows = {(row.kind, row.target): row for row in About.objects.filter(activity=activity)}
    gone = [row.pk for pair, row in rows.items() if pair not in wanted]
    About.objects.filter(pk__in=gone).delete()
    About.objects.filter(activity=activity).exclude(at=activity.at).update(at=activity.at)
    About.objects.bulk_create(
        [
            About(activity=activity, kind=kind, target=target, at=activity.at)
            for kind, target in sorted(wanted - rows.keys())
        ],
        ignore_conflicts=True,
    )


def subjects_of(activity: Activity) -> set[Pair]:
    """What one may follow to be told of an activity."""
    found: set[Pair] = set()
    if activity.actor_id is not None:
        found.add((Watch.Kind.MEMBER, str(activity.actor_id)))
    if activity.kind in _ONLY_FOR_FOLLOWERS_OF_THE_MEMBER:
        return found
    found |= _of_namespace(activity.namespace_id)
    if activity.repository is not None:
        found |= _of_repository(activity.repository)
    if activity.thread is not None:
        found |= _of_thread(activity.thread)
    if activity.result is not None:
        found.add((Watch.Kind.TASK, activity.result.task))
    if activity.kind == Activity.Kind.NOTE and activity.actor_id is not None:
        found.add((About.OWN, str(activity.actor_id)))
    if activity.warmth >= POPULAR_FROM and activity.language:
        found.add((About.LANGUAGE, activity.language))
    return {(kind, target) for kind, target in found if target}


def describe_repository(repository: Repository) -> None:
    """Its tags, task or card are new: what was told of it is about other things now."""
    for activity in Activity.objects.filter(
        repository=repository, kind=Activity.Kind.REPOSITORY
    ).select_related("repository"):
        describe(activity)


def describe_thread(thread: Thread) -> None:
    for activity in Activity.objects.filter(thread=thread).select_related("thread", "repository"):
        describe(activity)


def _of_namespace(namespace_id: int | None) -> set[Pair]:
    if namespace_id is None:
        return set()
    organisations = Organisation.objects.filter(
        namespace_id=namespace_id, namespace__kind=Namespace.Kind.ORGANISATION
    )
    return {(Watch.Kind.ORGANISATION, str(pk)) for pk in organisations.values_list("pk", flat=True)}


def _of_repository(repository: Repository) -> set[Pair]:
    tags = Tag.objects.filter(name__in=repository.tags[:40]).values_list("pk", flat=True)
    return {
        (Watch.Kind.REPOSITORY, str(repository.pk)),
        (Watch.Kind.TASK, repository.pipeline_tag),
        *((Watch.Kind.TAG, str(pk)) for pk in tags),
    }


def _of_thread(thread: Thread) -> set[Pair]:
    tags = ThreadTag.objects.filter(thread=thread).values_list("tag_id", flat=True)
    found: set[Pair] = {(Watch.Kind.TAG, str(pk)) for pk in tags}
    if thread.place == Thread.Place.TOPIC:
        found.add((Watch.Kind.CATEGORY, str(thread.shelf)))
    return found


def _language(activity: Activity) -> str:
    if activity.thread is not None:
        return activity.thread.language[:2]
    if activity.repository is not None and activity.repository.description:
        return language_of(activity.repository.description)
    return ""


def _warmth(activity: Activity) -> int:
    if activity.thread is not None:
        return activity.thread.reactions_count
    if activity.kind == Activity.Kind.REPOSITORY and activity.repository is not None:
        return activity.repository.likes
    return 0
