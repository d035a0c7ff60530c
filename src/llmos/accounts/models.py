"""Members, organisations and tokens as rows.

A namespace is the first half of every repository name; a member has one, an organisation
has one, and no two differ only by case.
"""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils import timezone


class Role(models.TextChoices):
    """What a member may do in an organisation; each role includes the ones before it."""

    READ = "read"
    CONTRIBUTOR = "contributor"
    WRITE = "write"
    ADMIN = "admin"


class Namespace(models.Model):
    class Kind(models.TextChoices):
        USER = "user"
        ORGANISATION = "org"

    name = models.CharField(max_length=96)
    key = models.CharField(max_length=96, unique=True)  # casefolded name
    kind = models.CharField(max_length=4, choices=Kind.choices)
    full_name = models.CharField(max_length=150, blank=True)
    bio = models.TextField(blank=True)
    website = models.URLField(blank=True)
    avatar = models.CharField(max_length=128, blank=True)  # file name in the home's media folder
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A member. `username` always equals the namespace's name."""

    username = models.CharField(max_length=96, unique=True)
    namespace = models.OneToOneField(Namespace, on_delete=models.PROTECT, related_name="user")
    email = models.EmailField(blank=True)
    is_staff = models.BooleanField(default=False)  # administrator of this hub
    is_active = models.BooleanField(default=True)
    suspension_reason = models.TextField(blank=True)  # shown to a member who is not active
    date_joined = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.username


class Organisation(models.Model):
    namespace = models.OneToOneField(
        Namespace, on_delete=models.PROTECT, related_name="organisation"
    )
    private_by_default = models.BooleanField(default=False)
    members = models.ManyToManyField(User, through="Membership", related_name="organisations")

    def __str__(self) -> str:
        return self.namespace.name


class Membership(models.Model):
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "user"], name="one_role_per_member")
        ]


class Token(models.Model):
    """An access token; only its SHA-256 is kept. Rows are deleted on revocation."""

    class Role(models.TextChoices):
        READ = "read"
        WRITE = "write"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64, unique=True)
    tail = models.CharField(max_length=4)  # last characters, so that its owner can tell it apart
    role = models.CharField(max_length=5, choices=Role.choices)
    scoped = models.BooleanField(default=False)  # only repositories granted in hub.TokenGrant
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    refresh_fingerprint = models.CharField(max_length=64, blank=True, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "name"], name="token_names_differ")
        ]


class DeviceCode(models.Model):
    """A pending `hf auth login` (RFC 8628): shown on the terminal, approved in the browser."""

    device_fingerprint = models.CharField(max_length=64, unique=True)
    user_code = models.CharField(max_length=9, unique=True)
    client_id = models.CharField(max_length=100)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)  # set once approved
    denied = models.BooleanField(default=False)
    expires_at = models.DateTimeField()
    last_polled_at = models.DateTimeField(null=True)


class Invitation(models.Model):
    """Lets one person sign up where sign-up is by invitation; may name an organisation."""

    fingerprint = models.CharField(max_length=64, unique=True)
    email = models.EmailField(blank=True)
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.CASCADE)
    role = models.CharField(max_length=12, choices=Role.choices, blank=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class FormerName(models.Model):
    """The name of a member who is gone; nobody else is given it."""

    key = models.CharField(max_length=96, primary_key=True)  # casefolded
    since = models.DateTimeField(default=timezone.now)


class Export(models.Model):
    """What a member asked to take along: one archive, fetched once."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE)
    asked_at = models.DateTimeField(default=timezone.now)
    file = models.CharField(max_length=100, blank=True)  # in the home's exports; once ready
    size = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField(null=True)


class Departure(models.Model):
    """A member has asked to be deleted; the worker takes away what is left until all is gone."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE)
    removes_text = models.BooleanField(default=False)
    asked_at = models.DateTimeField(default=timezone.now)


class SpentChallenge(models.Model):
    """A solved task of the sign-up page, kept until it would have expired: it counts once."""

    signature = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)
