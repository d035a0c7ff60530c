"""News of a member, the letters that carry it, and how she wants to be told, as rows."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from llmos.accounts.models import User
from llmos.community.notifications.kinds import DEFAULTS, Channel
from llmos.community.notifications.kinds import Kind as Kind
from llmos.community.threads.models import Post, Thread
from llmos.hub.models import Repository


class Letter(models.Model):
    """One mail to one member. It is claimed before it is sent, so it is sent at most once."""

    class Kind(models.TextChoices):
        NOW = "now"
        DIGEST = "digest"

    class State(models.TextChoices):
        CLAIMED = "claimed"  # a worker has it in hand
        AGAIN = "again"  # surely not taken by the mail server; tried again at `next_at`
        SENT = "sent"
        EMPTY = "empty"  # nothing was left to tell when it was to be written
        REFUSED = "refused"  # for good
        UNKNOWN = "unknown"  # the line broke, or the worker died: it may have arrived

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="letters")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    key = models.CharField(max_length=80)
    state = models.CharField(max_length=8, choices=State.choices, default=State.CLAIMED)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(null=True)
    message = models.CharField(max_length=300, blank=True)  # what the mail server said

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "key"], name="letter_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["state", "next_at"],
                condition=models.Q(state__in=["claimed", "again"]),
                name="letters_under_way",
            )
        ]


class Notification(models.Model):
    """One piece of news for one member; `key` says what it is, so it is there at most once.

    What it shows is read from the rows that it points to when it is shown; `facts` has what no
    row keeps. `bundle` is the same for news that lists show as one.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    key = models.CharField(max_length=100)
    bundle = models.CharField(max_length=100)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    thread = models.ForeignKey(Thread, null=True, on_delete=models.CASCADE, related_name="+")
    post = models.ForeignKey(Post, null=True, on_delete=models.CASCADE, related_name="+")
    repository = models.ForeignKey(
        Repository, null=True, on_delete=models.CASCADE, related_name="+"
    )
    address = models.CharField(max_length=400, blank=True)  # empty: the post's, or the thread's
    facts = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)
    upto = models.BigIntegerField(default=0)  # of news that collects: the newest row it counts
    in_app = models.BooleanField(default=True)
    seen_at = models.DateTimeField(null=True)
    mail = models.CharField(max_length=6, blank=True)  # "", or the kind of its letter
    letter = models.ForeignKey(
        Letter, null=True, on_delete=models.SET_NULL, related_name="notifications"
    )
    push_wanted = models.BooleanField(default=False)  # until a worker has taken it

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "key"], name="notification_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-at", "-id"], name="notifications_of"),
            models.Index(
                fields=["user"], condition=models.Q(seen_at=None), name="notifications_unseen"
            ),
            models.Index(
                fields=["mail", "user", "at"],
                condition=models.Q(letter=None) & ~models.Q(mail=""),
                name="notifications_to_mail",
            ),
            models.Index(
                fields=["key"], condition=models.Q(push_wanted=True), name="notifications_to_push"
            ),
        ]


class Preferences(models.Model):
    """How a member wants to be told. Missing means: as `kinds.DEFAULTS` says."""

    class Digest(models.TextChoices):
        OFF = "off"
        DAILY = "daily"
        WEEKLY = "weekly"

    user = models.OneToOneField(
        User, primary_key=True, on_delete=models.CASCADE, related_name="notification_preferences"
    )
    language = models.CharField(max_length=12, blank=True)  # of mails; empty: as her pages
    page_language = models.CharField(max_length=12, blank=True)  # of the page she opened last
    digest = models.CharField(max_length=6, choices=Digest.choices, default=Digest.WEEKLY)
    digest_hour = models.PositiveSmallIntegerField(default=8)  # in the hub's time zone
    digest_day = models.PositiveSmallIntegerField(default=0)  # Monday is 0
    last_digest_at = models.DateTimeField(null=True)
    muted_until = models.DateTimeField(null=True)  # no mail and no push before
    choices = models.JSONField(default=dict)  # kind → its channels, where they differ

    def channels(self, kind: str) -> frozenset[str]:
        chosen: list[str] | None = self.choices.get(kind)
        return DEFAULTS[kind] if chosen is None else frozenset(chosen) & set(Channel.values)

    @property
    def is_muted(self) -> bool:
        return self.muted_until is not None and self.muted_until > timezone.now()

    def set_channels(self, chosen: dict[str, set[str]]) -> None:
        """Keep only what differs, so that better defaults reach those who chose nothing."""
        self.choices = {
            kind: sorted(channels)
            for kind, channels in chosen.items()
            if channels != DEFAULTS[kind]
        }


class PushSubscription(models.Model):
    """A browser that shows news of a member while no page is open."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="push_subscriptions")
    endpoint = models.CharField(max_length=700, unique=True)
    p256dh = models.CharField(max_length=100)  # its public key
    auth = models.CharField(max_length=40)
    created_at = models.DateTimeField(default=timezone.now)
