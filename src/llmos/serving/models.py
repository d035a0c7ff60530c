"""Conversations as rows: a tree of turns, so that an edited or repeated turn loses nothing."""

import secrets
from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from llmos.accounts.models import User

# A turn that is being written is marked each second; older marks mean that its writer is gone.
SILENCE = timedelta(seconds=8)


def new_conversation_id() -> str:
    return secrets.token_hex(8)


class Conversation(models.Model):
    """One member's talk with models. `model` is the one that answers next, as text: it may go."""

    id = models.CharField(primary_key=True, max_length=16, default=new_conversation_id)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="conversations")
    title = models.CharField(max_length=120)
    model = models.CharField(max_length=250)
    system = models.TextField(blank=True)
    sampling = models.JSONField(default=dict)  # temperature, top_p, max_tokens, seed
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())
    updated_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "-updated_at"], name="chats_of_member")]

    def __str__(self) -> str:
        return self.title

    @property
    def url(self) -> str:
        return f"/chat/{self.pk}"


class Turn(models.Model):
    """What one side said. Siblings (same parent) are other ways the talk went from there."""

    class Role(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"

    class State(models.TextChoices):
        WHOLE = "whole"
        WRITING = "writing"
        STOPPED = "stopped"  # by its reader, or by a tab that was closed
        FAILED = "failed"  # `message` says why

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="children")
    role = models.CharField(max_length=9, choices=Role.choices)
    text = models.TextField(blank=True)
    state = models.CharField(max_length=7, choices=State.choices, default=State.WHOLE)
    message = models.TextField(blank=True)
    model = models.CharField(max_length=250, blank=True)  # which one wrote it
    cost = models.JSONField(null=True)  # ms, first_ms, prompt_tokens, new_tokens, context
    left_out = models.PositiveIntegerField(default=0)  # turns the model could not be shown
    # The sender's name for its request, so that one sent again makes no second turn.
    key = models.CharField(max_length=64, unique=True, null=True)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())
    alive_at = models.DateTimeField(default=timezone.now, db_default=Now())

    @property
    def is_writing(self) -> bool:
        """Whether somebody is writing it now."""
        return self.state == self.State.WRITING and timezone.now() - self.alive_at < SILENCE

    @property
    def is_lost(self) -> bool:
        """Whether the hub stopped in the middle of it."""
        return self.state == self.State.WRITING and not self.is_writing
