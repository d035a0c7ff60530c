"""Jobs as rows: what to do, how far it is, what it cost. Logs and curves are files."""

import secrets
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from llmos.accounts.models import Namespace, Token, User
from llmos.jobs.stages import ENDED, RESUMABLE, Stage


def new_job_id() -> str:
    """24 hex digits, as hub clients know job ids."""
    return secrets.token_hex(12)


class Job(models.Model):
    id = models.CharField(primary_key=True, max_length=24, default=new_job_id)
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="jobs")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="jobs")
    activity = models.CharField(max_length=20)
    spec = models.JSONField()  # what the job is given, version and all: `lab/work.py`
    labels = models.JSONField(default=dict)
    rebuild_of = models.CharField(max_length=40, blank=True, db_index=True)  # an activity's id

    stage = models.CharField(max_length=10, default=Stage.QUEUED)
    message = models.TextField(blank=True)  # why it stands where it stands, in a member's words
    priority = models.IntegerField(default=0)
    attempt = models.IntegerField(default=0)  # how often it was started; never counted back
    losses = models.IntegerField(default=0)  # how often what ran it was lost since it was queued
    executor = models.CharField(max_length=10)
    cores = models.IntegerField(default=1)
    cancel_wanted = models.BooleanField(default=False)
    token = models.ForeignKey(Token, null=True, on_delete=models.SET_NULL, related_name="+")

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    exit_code = models.IntegerField(null=True)

    progress = models.JSONField(default=dict)  # the newest step, plan and measures
    made = models.JSONField(null=True)  # recipe, software, hardware as they were
    output = models.JSONField(null=True)  # kind, repo, commit, files
    result = models.JSONField(null=True)  # of an evaluation
    cost = models.JSONField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["stage", "-priority", "created_at"], name="jobs_in_line"),
            models.Index(fields=["namespace", "-created_at"], name="jobs_of_namespace"),
        ]

    @property
    def is_over(self) -> bool:
        return self.stage in ENDED

    @property
    def can_resume(self) -> bool:
        return self.stage in RESUMABLE

    @property
    def url(self) -> str:
        return f"/jobs/{self.namespace.name}/{self.id}"

    @property
    def recipe(self) -> dict[str, Any]:
        """As carried out once that is known, else as asked for."""
        found: dict[str, Any] = (self.made or {}).get("recipe") or self.spec["recipe"]
        return found
