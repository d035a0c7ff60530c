"""Who may know the answer to a question: members whose contributions bear its tags.

Counts for a member: answers of theirs that were accepted under one of the tags or to a similar
question, public repositories of theirs with such a tag or task, and that they write in the
question's language. Nobody is asked who muted the matter or keeps away from the asker, and
nobody is asked often.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from llmos.accounts.models import Namespace, User
from llmos.community.forum.events import QuestionRouted
from llmos.community.forum.models import Route, Topic
from llmos.community.forum.queries import similar
from llmos.community.threads.models import Post, State, Tag, TagAlias, Thread, ThreadTag, Watch
from llmos.community.trust.models import Distance
from llmos.hub.models import Repository, Visibility
from llmos.kit.time import now
from llmos.store.events import announce

MOST_ASKED = 20  # members for one question
MOST_A_DAY = 5  # questions for one member
ANSWER, REPOSITORY, SAME_LANGUAGE = 3, 1, 1  # what counts how much
MOST_OF_A_KIND = 3  # more repositories with one tag say no more
_WEIGHED = 500  # members looked at of each source
_REASONS = 4


@dataclass(slots=True)
class Fit:
    """Why a member may know."""

    score: int = 0
    reasons: dict[str, None] = field(default_factory=dict)  # tags, in order

    def add(self, score: int, *reasons: str) -> None:
        self.score += score
        self.reasons |= dict.fromkeys(reasons)


@transaction.atomic
def route(thread_id: int) -> list[int]:
    """Lay a question before who may answer it, once; whom."""
    topic = (
        Topic.objects.select_for_update(of=("self",))
        .select_related("thread", "category")
        .filter(pk=thread_id, routed_at=None)
        .first()
    )
    if topic is None or not topic.category.asks or topic.thread.state != State.VISIBLE:
        return []
    topic.routed_at = now()
    topic.save(update_fields=["routed_at"])
    fits = fitting(topic)
    chosen = sorted(fits, key=lambda user: (-fits[user].score, user))[:MOST_ASKED]
    Route.objects.bulk_create(
        Route(thread=topic.thread, user_id=user, reasons=list(fits[user].reasons)[:_REASONS])
        for user in chosen
    )
    if chosen:
        announce(QuestionRouted(thread_id=thread_id, user_ids=chosen))
    return chosen


def fitting(topic: Topic) -> dict[int, Fit]:
    """Members who may be asked, and why."""
    thread = topic.thread
    tags = list(Tag.objects.filter(thread_rows__thread=thread))
    fits: dict[int, Fit] = defaultdict(Fit)
    _by_answers(fits, tags)
    _by_repositories(fits, tags)
    _by_similar(fits, thread)
    for user in _not_to_be_asked(topic, tags, set(fits)):
        fits.pop(user, None)
    speaks = Post.objects.filter(author_id__in=fits, language=thread.language, deed="")
    for user in set(speaks.values_list("author_id", flat=True).distinct()):
        fits[user or 0].add(SAME_LANGUAGE)
    fits.pop(0, None)
    return dict(fits)


def _by_answers(fits: dict[int, Fit], tags: list[Tag]) -> None:
    rows = ThreadTag.objects.filter(
        tag__in=tags, thread__topic__answer__author__isnull=False
    ).values("tag__name", "thread__topic__answer__author")
    counted = rows.annotate(n=Count("pk")).order_by("-n")[:_WEIGHED]
    for row in counted:
        fits[row["thread__topic__answer__author"]].add(
            ANSWER * min(row["n"], MOST_OF_A_KIND), row["tag__name"]
        )


def _by_repositories(fits: dict[int, Fit], tags: list[Tag]) -> None:
    """Public ones that bear a tag, or whose task it is, by any of its spellings."""
    spelled = {tag.name: tag.name for tag in tags}
    names = {tag.pk: tag.name for tag in tags}
    for alias, tag in TagAlias.objects.filter(tag__in=tags).values_list("alias", "tag_id"):
        spelled.setdefault(alias, names[tag])
    if not spelled:
        return
    public = Repository.objects.filter(
        visibility=Visibility.PUBLIC, disabled=False, namespace__kind=Namespace.Kind.USER
    )
    for column in ("tag_rows__tag", "pipeline_tag"):
        rows: Any = public.filter(**{f"{column}__in": spelled}).values("namespace__user", column)
        for row in rows.annotate(n=Count("pk", distinct=True)).order_by("-n")[:_WEIGHED]:
            fits[row["namespace__user"] or 0].add(
                REPOSITORY * min(row["n"], MOST_OF_A_KIND), spelled[row[column]]
            )


def _by_similar(fits: dict[int, Fit], thread: Thread) -> None:
    """Those whose answers to similar questions were accepted."""
    near = [one.pk for one in similar(thread.title, leave_out=thread.pk)]
    rows = Topic.objects.filter(pk__in=near, answer__author__isnull=False)
    for user in rows.values_list("answer__author", flat=True):
        fits[user or 0].add(ANSWER)


def _not_to_be_asked(topic: Topic, tags: list[Tag], among: set[int]) -> set[int]:
    """The asker, the gone, who muted the matter, who keeps away, who was asked enough."""
    asker = topic.thread.author_id or 0
    muted = Watch.objects.filter(user_id__in=among, level=Watch.Level.MUTED).filter(
        Q(kind=Watch.Kind.CATEGORY, target=str(topic.category_id))
        | Q(kind=Watch.Kind.TAG, target__in=[str(tag.pk) for tag in tags])
        | Q(kind=Watch.Kind.THREAD, target=str(topic.pk))
    )
    away = Distance.objects.filter(user_id__in=among, other_id=asker)
    kept = Distance.objects.filter(user_id=asker, other_id__in=among)
    since = now() - timedelta(days=1)
    asked = Route.objects.filter(user_id__in=among, at__gt=since).values("user_id")
    enough = asked.annotate(n=Count("pk")).filter(n__gte=MOST_A_DAY)
    there = User.objects.filter(pk__in=among, is_active=True).values_list("pk", flat=True)
    return {
        asker,
        *(among - set(there)),
        *muted.values_list("user_id", flat=True),
        *away.values_list("user_id", flat=True),
        *kept.values_list("other_id", flat=True),
        *enough.values_list("user_id", flat=True),
    }
