"""Repositories and what belongs to them as rows.

Git is the truth about refs and files. Everything here that could be computed from a
commit (`head_sha`, card fields, tags, sizes) is a copy for lists and search, refreshed
after each push and repaired by `llmos doctor`.
"""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from llmos.accounts.models import Namespace, Token, User
from llmos.hub.kinds import KINDS, Kind
from llmos.hub.xet.models import XetChunk as XetChunk
from llmos.hub.xet.models import XetFile as XetFile
from llmos.hub.xet.models import XetTerm as XetTerm
from llmos.hub.xet.models import Xorb as Xorb


class Visibility(models.TextChoices):
    PUBLIC = "public"
    PRIVATE = "private"


class Repository(models.Model):
    type = models.CharField(max_length=8, choices=[(name, name) for name in KINDS])
    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="repositories")
    name = models.CharField(max_length=96)
    full_name = models.CharField(max_length=200)  # "ns/name", case kept
    key = models.CharField(max_length=200)  # casefolded full name
    visibility = models.CharField(
        max_length=8, choices=Visibility.choices, default=Visibility.PUBLIC
    )
    gated = models.CharField(max_length=6, blank=True)  # "", "auto" or "manual"
    disabled = models.BooleanField(default=False)
    protected_branches = models.JSONField(default=list)
    # Commits onto `main` need a Signed-off-by line: the Developer Certificate of Origin.
    sign_off = models.BooleanField(default=False, db_default=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())
    updated_at = models.DateTimeField(default=timezone.now, db_default=Now())

    # the last number given to a change request or a discussion; they share one sequence
    last_number = models.PositiveIntegerField(default=0, db_default=0)

    # copies of what the head of `main` says
    head_sha = models.CharField(max_length=40, blank=True)
    card = models.JSONField(default=dict)  # YAML front matter of README.md
    tags = models.JSONField(default=list)
    description = models.TextField(blank=True)  # first paragraph of the card's text
    pipeline_tag = models.CharField(max_length=64, blank=True)
    library_name = models.CharField(max_length=64, blank=True)
    parameters = models.BigIntegerField(null=True)
    used_storage = models.BigIntegerField(default=0)  # bytes of the files at the head

    # counters
    downloads = models.BigIntegerField(default=0)  # last 30 days
    downloads_all_time = models.BigIntegerField(default=0)
    likes = models.IntegerField(default=0)
    trending = models.FloatField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["type", "key"], name="repository_names_differ")
        ]
        # Lists walk one of these and stop after a page; the id makes every order total.
        indexes: ClassVar = [
            models.Index(fields=["type", "-updated_at", "-id"], name="repo_by_update"),
            models.Index(fields=["type", "-created_at", "-id"], name="repo_by_creation"),
            models.Index(fields=["type", "-downloads", "-id"], name="repo_by_downloads"),
            models.Index(fields=["type", "-likes", "-id"], name="repo_by_likes"),
            models.Index(fields=["type", "-trending", "-id"], name="repo_by_trending"),
            # Filters that few repositories meet start from these instead.
            models.Index(
                fields=["type", "parameters"],
                condition=models.Q(parameters__isnull=False),
                name="repo_by_parameters",
            ),
            models.Index(fields=["type"], condition=~models.Q(gated=""), name="repo_gated"),
        ]

    def __str__(self) -> str:
        return f"{self.kind.prefix}{self.full_name}"

    @property
    def kind(self) -> Kind:
        return KINDS[self.type]

    @property
    def is_private(self) -> bool:
        return self.visibility == Visibility.PRIVATE


class RepositoryTag(models.Model):
    """One tag of one repository, for filters; `tags` on the repository keeps their order."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="tag_rows")
    tag = models.CharField(max_length=128)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tag", "repository"], name="tag_once")
        ]


class Redirect(models.Model):
    """A former name; it answers until somebody takes the name again."""

    type = models.CharField(max_length=8)
    key = models.CharField(max_length=200)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="redirects")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["type", "key"], name="redirect_names_differ")
        ]


class Snapshot(models.Model):
    """Facts that follow from one commit alone, computed once: files, card, weights.

    `facts` has the names that clients read; `names` and `files` are ready-made JSON, the
    siblings without and with sizes, since long lists cost more to parse than to send.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="snapshots")
    sha = models.CharField(max_length=40)
    facts = models.JSONField(default=dict)
    names = models.TextField(default="[]")
    files = models.TextField(default="[]")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "sha"], name="snapshot_once")
        ]


class LfsObject(models.Model):
    """Content of a large file; its bytes lie in blobs, or as Xet chunks, or for a while both."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.BigIntegerField()
    whole = models.BooleanField(default=False)  # there is a blob
    xet_hash = models.CharField(max_length=64, blank=True, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)


class LfsLink(models.Model):
    """This repository may use this content.

    It was uploaded for it, or copied from where the copier could read it.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="lfs_links")
    object = models.ForeignKey(LfsObject, on_delete=models.CASCADE, related_name="links")
    file_name = models.CharField(max_length=1024, blank=True)  # last path it was committed under
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "object"], name="lfs_link_once")
        ]


class FileScan(models.Model):
    """What the scanner found in one file that can carry code (pickle and the like)."""

    content = models.CharField(
        max_length=64, unique=True
    )  # sha256 of LFS content, else git blob id
    status = models.CharField(max_length=12)  # safe, caution, unsafe, error
    imports = models.JSONField(default=list)
    scanned_at = models.DateTimeField(default=timezone.now)


class Like(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="likes")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="like_rows")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "repository"], name="like_once")
        ]


class DownloadDay(models.Model):
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, related_name="download_days"
    )
    day = models.DateField()
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "day"], name="one_count_a_day")
        ]


class ChangeRequest(models.Model):
    """A proposed change on `refs/pr/<number>`: a pull request in the clients' words.

    What is said about it, its description first, and what happens to it is told elsewhere
    (`hub.telling`).
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        OPEN = "open"
        CLOSED = "closed"
        MERGED = "merged"

    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, related_name="change_requests"
    )
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=300)
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.DRAFT)
    base = models.CharField(max_length=40)  # commit of `main` it started from
    merge_commit = models.CharField(max_length=40, blank=True)
    merged_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "number"], name="numbered_per_repository")
        ]


class AccessRequest(models.Model):
    """A member's wish to read a gated repository, and its answer."""

    class Status(models.TextChoices):
        PENDING = "pending"
        ACCEPTED = "accepted"
        REJECTED = "rejected"

    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, related_name="access_requests"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    reason = models.TextField(blank=True)
    granted = models.BooleanField(default=False)  # given by an owner without being asked
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "user"], name="one_request_per_member")
        ]


class TokenGrant(models.Model):
    """A repository that a scoped token opens."""

    token = models.ForeignKey(Token, on_delete=models.CASCADE, related_name="grants")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="+")
    may_write = models.BooleanField(default=True)  # as far as the token's role allows it

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["token", "repository"], name="grant_once")
        ]
