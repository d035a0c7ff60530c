"""What newcomers have done already, and small tasks that wait for them, as rows."""

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.utils import timezone

from llmos.accounts.models import User
from llmos.hub.models import Repository

KEPT_FOR = timedelta(days=7)  # a task that nobody finishes is free again


class StepDone(models.Model):
    """A step of a checklist that a member has done; it stays done, whatever becomes of the deed."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    step = models.CharField(max_length=40)  # a name in `steps.py`
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "step"], name="step_done_once")
        ]


class FirstTask(models.Model):
    """A small piece of work on a repository, with somebody to ask and a check that it is done."""

    class Skill(models.TextChoices):
        DATA = "data"
        CODE = "code"
        WRITING = "writing"
        TRANSLATION = "translation"
        EVALUATION = "evaluation"

    class Check(models.TextChoices):
        MERGED = "merged"  # a change request of hers was merged there
        FILE = "file"  # the file is there on `main`, and was not when the task began

    class State(models.TextChoices):
        OPEN = "open"
        TAKEN = "taken"
        DONE = "done"
        WITHDRAWN = "withdrawn"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="first_tasks")
    title = models.CharField(max_length=160)
    text = models.TextField(blank=True)  # Markdown: what to do, where to look
    language = models.CharField(max_length=12, default="en")
    skill = models.CharField(max_length=12, choices=Skill.choices)
    minutes = models.PositiveSmallIntegerField()
    mentor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    check_kind = models.CharField(max_length=8, choices=Check.choices, default=Check.MERGED)
    check_path = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    taken_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    taken_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["state", "minutes", "id"], name="first_tasks_by_state")
        ]

    @property
    def is_free(self) -> bool:
        """Whether somebody may take it: nobody has, or not for a long time."""
        if self.state == self.State.TAKEN and self.taken_at is not None:
            return self.taken_at < timezone.now() - KEPT_FOR
        return self.state == self.State.OPEN
