"""What members did, how far that makes them trusted, and whom they keep away, as rows."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from llmos.accounts.models import User


class Level(models.IntegerChoices):
    """Rights grow with deeds: nobody has to be asked. The names are shown, translated."""

    NEW = 0, "new"
    MEMBER = 1, "member"
    REGULAR = 2, "regular"
    LEADER = 3, "leader"
    STEWARD = 4, "steward"  # given by hand


class Standing(models.Model):
    """A member's level and the counts that it follows from. Missing means new."""

    user = models.OneToOneField(
        User, primary_key=True, on_delete=models.CASCADE, related_name="standing"
    )
    level = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.NEW)
    held = models.BooleanField(default=False)  # given by hand: deeds change it no more
    level_reason = models.TextField(blank=True)  # why a moderator gave or lowered it
    posts = models.PositiveIntegerField(default=0)
    threads = models.PositiveIntegerField(default=0)
    reactions_given = models.PositiveIntegerField(default=0)
    reactions_received = models.PositiveIntegerField(default=0)
    threads_read = models.PositiveIntegerField(default=0)
    posts_read = models.PositiveIntegerField(default=0)
    days_here = models.PositiveIntegerField(default=0)  # days on which something was read
    last_day = models.DateField(null=True)
    read_at = models.DateTimeField(null=True)  # when posts were last counted as read
    credits = models.PositiveIntegerField(default=0)  # rows of Credit
    silenced_until = models.DateTimeField(null=True)
    silence_reason = models.TextField(blank=True)


class Credit(models.Model):
    """One contribution of one member, of the kinds that a profile shows.

    `subject` is what it was, as `model:12` or `post:30`: doing it again changes nothing.
    """

    class Kind(models.TextChoices):
        MODEL = "model"
        DATASET = "dataset"
        REVIEW = "review"  # a merged change request, given or merged
        ANSWER = "answer"  # accepted by who asked
        EVALUATION = "evaluation"
        ARTICLE = "article"
        TASK = "task"  # a first task finished

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="credit_rows")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    subject = models.CharField(max_length=60)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "kind", "subject"], name="credit_once")
        ]


class Distance(models.Model):
    """One member keeps another away; only the first one knows.

    mute: no notifications from them · ignore: their posts are folded away as well ·
    block: they can also no longer mention, follow, answer or react to her.
    """

    class Degree(models.TextChoices):
        MUTE = "mute"
        IGNORE = "ignore"
        BLOCK = "block"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    degree = models.CharField(max_length=6, choices=Degree.choices)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "other"], name="one_distance_to_another")
        ]
        indexes: ClassVar = [models.Index(fields=["other"], name="distances_from")]
