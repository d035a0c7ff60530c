"""What a repository knows of the conversations about it, as rows."""

from typing import ClassVar

from django.db import models

from llmos.community.threads.models import Thread
from llmos.hub.models import ChangeRequest, Repository


class Deed(models.TextChoices):
    """Posts without words of their own: what somebody did to a discussion.

    A thread's own `closed` says that it takes no more posts; a discussion that is closed may
    still be talked about.
    """

    OPEN = "status-open"
    CLOSED = "status-closed"
    MERGED = "status-merged"
    RENAMED = "renamed"  # the text is the former title
    PUSHED = "pushed"  # the text lists the commits


class Discussion(models.Model):
    """A numbered conversation on a repository; that of a change request bears its number."""

    thread = models.OneToOneField(
        Thread, primary_key=True, on_delete=models.CASCADE, related_name="discussion"
    )
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="discussions")
    number = models.PositiveIntegerField()
    change_request = models.OneToOneField(
        ChangeRequest, null=True, on_delete=models.CASCADE, related_name="discussion"
    )
    # Of a change request a copy, for lists and their count: open or draft.
    is_open = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["repository", "number"], name="discussion_numbers_differ"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["repository", "is_open", "-number"], name="discussions_open")
        ]

    @property
    def status(self) -> str:
        """In the clients' words: open, closed, draft or merged."""
        if self.change_request is not None:
            return str(self.change_request.status)
        return "open" if self.is_open else "closed"
