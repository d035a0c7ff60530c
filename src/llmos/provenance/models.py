"""Lineage and receipts as rows: what was made from what, by which activity; what was signed."""

import secrets
from typing import ClassVar

from django.db import models
from django.utils import timezone

from llmos.accounts.models import User
from llmos.hub.models import Repository


def new_activity_id() -> str:
    return secrets.token_hex(12)


class Activity(models.Model):
    """A function from commits to a commit that the platform saw being carried out."""

    id = models.CharField(primary_key=True, max_length=24, default=new_activity_id)
    job_id = models.CharField(max_length=24, unique=True)
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
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    def inputs(self) -> "list[Edge]":
        return [edge for edge in self.edges.all() if edge.is_input]

    def output(self) -> "Edge | None":
        return next((edge for edge in self.edges.all() if not edge.is_input), None)


class Edge(models.Model):
    """A commit that went into an activity, or came out of it.

    Name and commit outlive the repository: a source that was deleted is still what it was.
    """

    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="edges")
    is_input = models.BooleanField()
    role = models.CharField(max_length=20)
    repository = models.ForeignKey(
        Repository, null=True, on_delete=models.SET_NULL, related_name="lineage"
    )
    kind = models.CharField(max_length=10)
    full_name = models.CharField(max_length=200)
    commit = models.CharField(max_length=40)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["repository", "is_input"], name="edges_of_repository"),
        ]


class Rebuild(models.Model):
    """An activity done again, and whether the same bytes came out."""

    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="rebuilds")
    job_id = models.CharField(max_length=24, unique=True)
    equal = models.BooleanField()
    differences = models.JSONField()  # files, software, hardware: what was and what is
    at = models.DateTimeField(default=timezone.now)


class Receipt(models.Model):
    """A signed statement, kept as the bytes that were signed."""

    digest = models.CharField(primary_key=True, max_length=64)  # SHA-256 of the envelope
    envelope = models.BinaryField()
    repository = models.ForeignKey(
        Repository, null=True, on_delete=models.SET_NULL, related_name="receipts"
    )
    job_id = models.CharField(max_length=24, blank=True, db_index=True)
    signed_at = models.DateTimeField(default=timezone.now)
