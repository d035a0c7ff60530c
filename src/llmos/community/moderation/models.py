"""Reports, the cases they amount to, and what was decided, as rows."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from llmos.accounts.models import User
from llmos.community.threads.models import Post
from llmos.hub.models import Repository


class Case(models.Model):
    """Something that moderators look at: one row for each thing, open again if need be."""

    class Kind(models.TextChoices):
        POST = "post"  # also an article or a note: its first post
        MEMBER = "member"
        REPOSITORY = "repo"  # a whole model, data set or space

    class Cause(models.TextChoices):
        REPORTED = "reported"
        HELD = "held"  # by a check, before anybody saw it
        MENDED = "mended"  # hidden, and edited by its author since
        LOOKED_AT = "looked-at"  # a moderator came by

    kind = models.CharField(max_length=6, choices=Kind.choices)
    target = models.BigIntegerField()
    cause = models.CharField(max_length=9, choices=Cause.choices)
    post = models.ForeignKey(Post, null=True, on_delete=models.CASCADE, related_name="+")
    # Whom it concerns: the post's author, the member herself, the owner of the repository.
    member = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    # Its writers may decide about what is written in it, though not about all of it; whoever
    # may not see it does not know of the case.
    repository = models.ForeignKey(
        Repository, null=True, on_delete=models.CASCADE, related_name="+"
    )
    is_open = models.BooleanField(default=True)
    opened_at = models.DateTimeField(default=timezone.now)
    reports_count = models.PositiveIntegerField(default=0)  # that wait for a decision
    judged_edits = models.PositiveIntegerField(default=0)  # of the post, at the last decision

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "target"], name="one_case_about_a_thing")
        ]
        indexes: ClassVar = [
            models.Index(fields=["is_open", "opened_at", "id"], name="queue_of_cases"),
            models.Index(fields=["repository", "is_open"], name="cases_of_repository"),
        ]


class Report(models.Model):
    """What one member says is wrong with it."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="reports")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.TextField()
    weighs = models.BooleanField(default=False)  # from a member of some standing
    edits = models.PositiveIntegerField(default=0)  # of the post, when she read it
    at = models.DateTimeField(default=timezone.now)
    is_settled = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "user"], name="reported_once")
        ]
        indexes: ClassVar = [models.Index(fields=["user", "-at"], name="reports_of_member")]


class Decision(models.Model):
    """One line of the log: who decided what about what, and why. Written once, never changed."""

    class Act(models.TextChoices):
        KEEP = "keep"  # nothing is wrong with it
        APPROVE = "approve"  # one that was held may be read
        SHOW = "show"  # one that was hidden or removed is back
        HIDE = "hide"  # its author may mend it
        REMOVE = "remove"
        WARN = "warn"
        SILENCE = "silence"  # for a time; the post is hidden as well
        SPEAK = "speak"  # a silence ends early
        SUSPEND = "suspend"  # the post is removed as well
        READMIT = "readmit"
        LEVEL = "level"  # held or lowered by hand

    act = models.CharField(max_length=8, choices=Act.choices)
    kind = models.CharField(max_length=6, choices=Case.Kind.choices)
    target = models.BigIntegerField()
    post = models.ForeignKey(Post, null=True, on_delete=models.SET_NULL, related_name="+")
    member = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    # Lines about what is in a repository are for those who see it; without one, when
    # `in_repository`, it is gone. A line about a whole public repository bears none: that it
    # was hidden must not hide the line.
    repository = models.ForeignKey(
        Repository, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    in_repository = models.BooleanField(default=False)
    reason = models.TextField()
    until = models.DateTimeField(null=True)
    level = models.PositiveSmallIntegerField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["kind", "target", "-id"], name="decisions_about"),
            models.Index(fields=["member", "-id"], name="decisions_on_member"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        assert self.pk is None, "a decision is written once"
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("a decision stays in the log")
