"""Boards, results and claims as rows: what is measured, what came out, what authors say."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from llmos.accounts.models import User
from llmos.hub.models import Repository
from llmos.jobs.models import Job
from llmos.provenance.models import Receipt


class Board(models.Model):
    """A benchmark in one version: only scores on one board can be compared.

    What a board is follows from the benchmark's files alone (`definitions.py`), so the same
    commit always leads to the same board.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="boards")
    digest = models.CharField(max_length=64)  # of what is asked, on which rows, and how
    commit = models.CharField(max_length=40)  # where it was first seen
    name = models.CharField(max_length=200)
    version = models.CharField(max_length=60)
    task = models.CharField(max_length=30)
    description = models.TextField(blank=True)
    metric = models.CharField(max_length=40)  # the primary one
    higher_is_better = models.BooleanField(default=True)
    definition = models.JSONField()  # the whole eval.yaml, defaults and all
    is_current = models.BooleanField(default=True)  # as `main` has it now
    opened_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "digest"], name="board_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["is_current", "task", "-opened_at"], name="boards_by_task"),
        ]

    @property
    def url(self) -> str:
        here = f"/benchmarks/{self.repository.full_name}"
        return here if self.is_current else f"{here}?board={self.digest[:12]}"

    @property
    def label(self) -> str:
        """The version, with the beginning of the digest where the version alone may mislead."""
        return self.version if self.is_current else f"{self.version} ({self.digest[:8]})"


class Result(models.Model):
    """A score that was measured on this hub; it bears the id of its job, so a job has one.

    The receipt says all of this under a signature; columns are what lists show and sort.
    """

    id = models.CharField(primary_key=True, max_length=24)
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    board = models.ForeignKey(Board, null=True, on_delete=models.CASCADE, related_name="results")
    model = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="results")
    model_commit = models.CharField(max_length=40)
    data = models.ForeignKey(
        Repository, null=True, on_delete=models.SET_NULL, related_name="measured"
    )
    # The name outlives the data set, but only a public one is told to everybody then.
    data_name = models.CharField(max_length=200)
    data_was_public = models.BooleanField()
    data_commit = models.CharField(max_length=40)
    data_split = models.CharField(max_length=100)
    task = models.CharField(max_length=30)
    metric = models.CharField(max_length=40)
    value = models.FloatField()
    low = models.FloatField(null=True)  # 95 % interval
    high = models.FloatField(null=True)
    higher_is_better = models.BooleanField(default=True)
    parameters = models.BigIntegerField(null=True)
    cpu_seconds = models.FloatField(null=True)
    energy_wh = models.FloatField(null=True)
    engine = models.CharField(max_length=30, blank=True)
    metrics = models.JSONField()  # all of them, the primary one too
    samples = models.IntegerField()
    receipt = models.OneToOneField(Receipt, on_delete=models.PROTECT, related_name="result")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["board", "-at"], name="results_of_board"),
            models.Index(fields=["model", "-at"], name="results_of_model"),
        ]

    @property
    def url(self) -> str:
        return f"/results/{self.pk}"


class Claim(models.Model):
    """A number that an author wrote into a model's repository; nobody here has measured it."""

    model = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="claims")
    filename = models.CharField(max_length=300)  # where it stands
    dataset = models.CharField(max_length=200)  # as written
    dataset_key = models.CharField(max_length=200)  # as names are compared
    revision = models.CharField(max_length=60, blank=True)
    board = models.ForeignKey(Board, null=True, on_delete=models.SET_NULL, related_name="claims")
    task = models.CharField(max_length=100, blank=True)
    metric = models.CharField(max_length=100, blank=True)
    value = models.FloatField()
    source_name = models.CharField(max_length=200, blank=True)
    source_url = models.CharField(max_length=500, blank=True)
    notes = models.CharField(max_length=500, blank=True)
    stated_on = models.CharField(max_length=40, blank=True)  # as its author dates it
    first_seen = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["board"], name="claims_of_board"),
            models.Index(fields=["dataset_key"], name="claims_about_data"),
        ]
