"""Categories, what the forum knows of a thread, polls, and whom questions were laid before."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import get_language

from llmos.accounts.models import User
from llmos.community.threads.models import Post, Thread
from llmos.community.trust.models import Level
from llmos.kit.time import now


class Kind(models.TextChoices):
    """What a category's topics are for."""

    QUESTION = "question"
    ANNOUNCEMENT = "announcement"
    SHOW = "show"
    SUPPORT = "support"
    OPEN = "open"


ASKING = (Kind.QUESTION, Kind.SUPPORT)  # one post can be accepted as the answer


class Category(models.Model):
    """A shelf of topics. It is never deleted, since topics stand on it; it retires."""

    slug = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    title_en = models.CharField(max_length=60)
    title_zh = models.CharField(max_length=60)
    about_en = models.CharField(max_length=200, blank=True)
    about_zh = models.CharField(max_length=200, blank=True)
    place = models.PositiveIntegerField(default=0)  # from the top of the list
    # Who may open topics in it; administrators always may.
    opens_from = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.NEW)
    retired_at = models.DateTimeField(null=True)  # takes no new topics, is listed no more
    topics_count = models.PositiveIntegerField(default=0)
    posts_count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.slug

    @property
    def address(self) -> str:
        return f"/forum/c/{self.slug}"

    @property
    def title(self) -> str:
        """In the reader's language."""
        return self.title_zh if _reads_chinese() else self.title_en

    @property
    def about(self) -> str:
        return self.about_zh if _reads_chinese() else self.about_en

    @property
    def asks(self) -> bool:
        return self.kind in ASKING


class Topic(models.Model):
    """What the forum knows of a thread besides its posts."""

    thread = models.OneToOneField(
        Thread, primary_key=True, on_delete=models.CASCADE, related_name="topic"
    )
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="topics")
    answer = models.ForeignKey(Post, null=True, on_delete=models.SET_NULL, related_name="+")
    accepted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    solved_at = models.DateTimeField(null=True)
    # Copies of what the posts say, for lists (actions.settle).
    waits = models.BooleanField(default=False)  # an open question that nobody else has answered
    score = models.IntegerField(default=0)  # reactions and posts
    counted = models.PositiveIntegerField(null=True)  # posts that its category counts
    similar = models.JSONField(default=list)  # ids of threads, nearest first
    routed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["category", "-thread"], name="topics_by_age"),
            models.Index(fields=["category", "-score", "-thread"], name="topics_by_score_there"),
            models.Index(fields=["-score", "-thread"], name="topics_by_score"),
            models.Index(
                fields=["thread"], condition=models.Q(waits=True), name="topics_that_wait"
            ),
        ]

    @property
    def is_solved(self) -> bool:
        return self.solved_at is not None


class FormerPlace(models.Model):
    """Where a post stood before its topic was split or merged: the old address leads to it."""

    thread = models.BigIntegerField()
    number = models.PositiveIntegerField()
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["thread", "number"], name="former_place_once")
        ]


class Poll(models.Model):
    """A question with choices, under one post."""

    post = models.OneToOneField(Post, on_delete=models.CASCADE, related_name="poll")
    question = models.CharField(max_length=200)
    is_multiple = models.BooleanField(default=False)
    closes_at = models.DateTimeField(null=True)
    voters = models.PositiveIntegerField(default=0)

    @property
    def is_open(self) -> bool:
        return self.closes_at is None or self.closes_at > now()


class Choice(models.Model):
    poll = models.ForeignKey(Poll, on_delete=models.CASCADE, related_name="choices")
    place = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=120)
    votes = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["poll", "place"], name="choice_places_differ")
        ]


class Ballot(models.Model):
    """What one member chose. Only she sees it; others see the counts."""

    poll = models.ForeignKey(Poll, on_delete=models.CASCADE, related_name="ballots")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    places = models.JSONField()  # of the choices
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["poll", "user"], name="ballot_once")
        ]


class Route(models.Model):
    """A question was laid before a member, and why: tags that her contributions bear."""

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="routes")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    reasons = models.JSONField(default=list)
    at = models.DateTimeField(default=timezone.now)
    is_declined = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["thread", "user"], name="route_once")
        ]
        indexes: ClassVar = [models.Index(fields=["user", "-at"], name="routes_to")]


def _reads_chinese() -> bool:
    return (get_language() or "").startswith("zh")
