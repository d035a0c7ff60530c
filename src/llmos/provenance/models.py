"""Lineage and receipts as rows: what was made from what, by which activity; what was signed."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from llmos.accounts.models import Namespace, User
from llmos.hub.models import Repository


class Activity(models.Model):
    """A function from commits to a commit that the platform saw being carried out."""

    id = models.CharField(primary_key=True, max_length=24)  # that of the job which did it
    namespace = models.ForeignKey(Namespace, null=True, on_delete=models.SET_NULL, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    activity = models.CharField(max_length=20)
    recipe = models.JSONField()  # as carried out: with its plan, columns and workers
    recipe_hash = models.CharField(max_length=64)
    arguments = models.JSONField(default=dict)
    software = models.JSONField()
    software_hash = models.CharField(max_length=64)
    seed = models.BigIntegerField()
    hardware = models.JSONField()
    cost = models.JSONField()
    files = models.JSONField()  # what came out: path to SHA-256
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    @property
    def url(self) -> str:
        return f"/activities/{self.id}"

    def inputs(self) -> "list[Edge]":
        return [edge for edge in self.edges.all() if edge.is_input]

    def output(self) -> "Edge | None":
        return next((edge for edge in self.edges.all() if not edge.is_input), None)


class Edge(models.Model):
    """A commit that went into an activity, or came out of it.

    It outlives its repository, and keeps its number: what was made from a deleted source is
    still found, and so is what that source was made from.
    """

    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="edges")
    is_input = models.BooleanField()
    role = models.CharField(max_length=20)
    repository = models.ForeignKey(
        Repository,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="lineage",
    )
    kind = models.CharField(max_length=10)
    full_name = models.CharField(max_length=200)  # as it was called then
    commit = models.CharField(max_length=40)
    # as last known: the name of what was deleted is told to everybody only if it was
    was_public = models.BooleanField(default=False)

    # of inputs, kept by tasks.py: since when `main` holds other content, or nothing at all
    outdated_since = models.DateTimeField(null=True)
    compared_with = models.CharField(max_length=40, blank=True)  # the head that was looked at

    @property
    def name_now(self) -> str:
        """What it is called today; what is gone keeps its old name."""
        return self.repository.full_name if self.repository else self.full_name

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["repository", "is_input", "-id"], name="edges_of_repository"),
        ]


class Rebuild(models.Model):
    """An activity done again, and whether the same bytes came out."""

    job_id = models.CharField(primary_key=True, max_length=24)
    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="rebuilds")
    namespace = models.ForeignKey(Namespace, null=True, on_delete=models.SET_NULL, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    equal = models.BooleanField()
    # files, recipe, software, hardware: where they differ, what was and what is
    differences = models.JSONField()
    at = models.DateTimeField(default=timezone.now)


class Receipt(models.Model):
    """A signed statement, kept as the bytes that were signed."""

    digest = models.CharField(primary_key=True, max_length=64)  # SHA-256 of the envelope
    envelope = models.BinaryField()
    repository = models.ForeignKey(
        Repository, null=True, on_delete=models.SET_NULL, related_name="receipts"
    )
    job_id = models.CharField(max_length=24, blank=True)
    signed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["job_id"], condition=~models.Q(job_id=""), name="one_receipt_a_job"
            )
        ]
