"""What happened that others may want to know of, and what it was about, as rows.

Rows say that something happened, never what may be shown of it: whoever reads asks the rooms
to the left at that moment what the viewer may see.
"""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from llmos.accounts.models import Namespace, User
from llmos.community.threads.models import Post, Thread
from llmos.evaluation.models import Result
from llmos.hub.models import Like, Repository


class Activity(models.Model):
    """One deed of one member. `key` is what it was, so that it is recorded once.

    A deed goes with what it was done to: a deleted repository leaves nothing in feeds, nor does
    a like that was taken back.
    """

    class Kind(models.TextChoices):
        REPOSITORY = "repository"  # shared it
        VERSION = "version"  # pushed to `main`; one row a day
        TRAINED = "trained"  # a job here made a version of it
        RESULT = "result"
        MERGED = "merged"  # a change request of theirs
        LIKE = "like"
        TOPIC = "topic"
        DISCUSSION = "discussion"
        ANSWER = "answer"  # accepted by who asked
        ARTICLE = "article"
        NOTE = "note"

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    actor = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="activities")
    # In whose name: the owner of the repository or of the blog.
    namespace = models.ForeignKey(Namespace, null=True, on_delete=models.CASCADE, related_name="+")
    repository = models.ForeignKey(
        Repository, null=True, on_delete=models.CASCADE, related_name="activities"
    )
    thread = models.ForeignKey(Thread, null=True, on_delete=models.CASCADE, related_name="+")
    post = models.ForeignKey(Post, null=True, on_delete=models.CASCADE, related_name="+")
    result = models.ForeignKey(Result, null=True, on_delete=models.CASCADE, related_name="+")
    like = models.ForeignKey(Like, null=True, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField(null=True)  # of the change request
    commit = models.CharField(max_length=40, blank=True)  # of the version
    text = models.CharField(max_length=200, blank=True)  # title of a commit or a change request
    language = models.CharField(max_length=12, blank=True)
    warmth = models.PositiveIntegerField(default=0)  # reactions or likes of the object, as of now
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-at", "-id"], name="activities_in_time"),
        ]


class About(models.Model):
    """Something that an activity is about and that can be followed; with its time, for lists.

    Kinds are those of `Watch`, and two that are followed without saying so: `language` of what
    is popular, and `own`.
    """

    LANGUAGE = "language"
    OWN = "own"

    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="about")
    kind = models.CharField(max_length=12)
    target = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["activity", "kind", "target"], name="about_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["kind", "target", "-at", "-activity"], name="activities_about"),
        ]


class Visit(models.Model):
    """Up to when a member has marked her feed as seen."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()
