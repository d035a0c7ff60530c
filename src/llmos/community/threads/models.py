"""Threads and posts as rows, and what members do with them.

A thread stands in a place (a forum category, a repository, a blog). Rooms to the right add
what only their place knows, in rows of their own that point here.
"""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_noop

from llmos.accounts.models import Namespace, User
from llmos.hub.models import Repository


class State(models.TextChoices):
    """Whether others see a thread or a post. Its author sees it always, with the reason."""

    VISIBLE = "visible"
    PENDING = "pending"  # waits for a moderator
    HIDDEN = "hidden"  # may be mended by its author and come back
    REMOVED = "removed"  # stays a gap with a reason


# The reason of what no moderator removed; whoever wrote it can put it back.
TAKEN_BACK = gettext_noop("Its author took it back")


class Thread(models.Model):
    """A conversation. Its first post is number 1; `address` is where people read it."""

    class Place(models.TextChoices):
        TOPIC = "topic"
        DISCUSSION = "discussion"  # on a repository; a change request's conversation too
        ARTICLE = "article"
        NOTE = "note"  # a short post without a title

    place = models.CharField(max_length=12, choices=Place.choices)
    # Within the place: id of the category, the repository, or the blog's namespace.
    shelf = models.BigIntegerField()
    title = models.CharField(max_length=300, blank=True)
    address = models.CharField(max_length=400)
    language = models.CharField(max_length=12, default="en")
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="threads")
    # Whoever may not see this repository does not know of the thread either.
    repository = models.ForeignKey(
        Repository, null=True, on_delete=models.CASCADE, related_name="threads"
    )
    namespace = models.ForeignKey(
        Namespace, null=True, on_delete=models.CASCADE, related_name="threads"
    )  # in whose name it was published: a blog's
    state = models.CharField(max_length=8, choices=State.choices, default=State.VISIBLE)
    state_reason = models.TextField(blank=True)
    # Null: a draft that only its authors see. In the future: not yet.
    published_at = models.DateTimeField(null=True, default=timezone.now)
    closed_at = models.DateTimeField(null=True)  # takes no more posts
    is_pinned = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    bumped_at = models.DateTimeField(default=timezone.now)  # of the last visible post
    last_number = models.PositiveIntegerField(default=0)  # given to a post, ever
    posts_count = models.PositiveIntegerField(default=0)  # visible ones
    reactions_count = models.PositiveIntegerField(default=0)
    views = models.PositiveIntegerField(default=0)
    last_author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["place", "shelf", "-bumped_at", "-id"], name="threads_of_shelf"),
            models.Index(fields=["place", "-bumped_at", "-id"], name="threads_of_place"),
            models.Index(fields=["place", "-published_at", "-id"], name="threads_by_publication"),
            models.Index(fields=["author", "-created_at"], name="threads_of_author"),
            models.Index(fields=["repository", "-bumped_at"], name="threads_of_repository"),
            models.Index(fields=["address"], name="threads_at"),
            models.Index(
                fields=["place", "shelf"], condition=models.Q(is_pinned=True), name="threads_pinned"
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"#{self.pk}"


class Post(models.Model):
    """What one member wrote at one time. `text` is Markdown; `html` was made from it once."""

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="posts")
    number = models.PositiveIntegerField()  # its place in the thread, from 1
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="posts")
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)  # safe; cards are marks that are filled in when shown
    renderer = models.PositiveSmallIntegerField(default=0)  # version that made `html`
    language = models.CharField(max_length=12, default="en")
    # Empty for words; else what somebody did to the thread: closed, moved, merged …
    deed = models.CharField(max_length=20, blank=True)
    reply_to = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="replies"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.VISIBLE)
    state_reason = models.TextField(blank=True)
    is_wiki = models.BooleanField(default=False)  # members of some standing may edit it
    reactions = models.JSONField(default=dict)  # name → count
    edits = models.PositiveIntegerField(default=0)
    edited_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    # The form's or mail's own key: sent twice, written once. Nulls are not compared.
    key = models.CharField(max_length=64, null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["thread", "number"], name="post_numbers_differ"),
            models.UniqueConstraint(fields=["author", "key"], name="post_written_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["author", "-created_at"], name="posts_of_author"),
            models.Index(fields=["state"], condition=~models.Q(state="visible"), name="posts_held"),
        ]

    @property
    def anchor(self) -> str:
        return f"post-{self.number}"

    @property
    def is_taken_back(self) -> bool:
        return self.state == State.REMOVED and self.state_reason == TAKEN_BACK


class Revision(models.Model):
    """A text as it was before an edit; the newest stands in the post."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()  # 0 is the first text
    title = models.CharField(max_length=300, blank=True)
    text = models.TextField()
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["post", "number"], name="revision_once")
        ]


class Reaction(models.Model):
    class Name(models.TextChoices):
        HEART = "heart"
        THANKS = "thanks"
        INSIGHT = "insight"
        CELEBRATE = "celebrate"
        CONFUSED = "confused"

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="reaction_rows")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=10, choices=Name.choices)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["post", "user", "name"], name="reaction_once")
        ]


class Reference(models.Model):
    """A post names something: a member, another post, a repository. Read backwards: back-links."""

    class Kind(models.TextChoices):
        MEMBER = "member"
        POST = "post"  # a quote of it
        THREAD = "thread"
        REPOSITORY = "repository"

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="references")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    target = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["post", "kind", "target"], name="reference_once")
        ]
        indexes: ClassVar = [models.Index(fields=["kind", "target"], name="references_to")]


class Tag(models.Model):
    """A word that threads are found by; one row for all its spellings and both languages."""

    name = models.CharField(max_length=40, unique=True)  # as addresses spell it
    title_en = models.CharField(max_length=60)
    title_zh = models.CharField(max_length=60, blank=True)
    threads_count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class TagAlias(models.Model):
    """Another spelling, in any language, casefolded: `翻译`, `mt` → translation."""

    alias = models.CharField(max_length=60, unique=True)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="aliases")


class ThreadTag(models.Model):
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="tag_rows")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="thread_rows")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tag", "thread"], name="thread_tag_once")
        ]


class Watch(models.Model):
    """How closely a member follows something. Following and watching are one thing here."""

    class Kind(models.TextChoices):
        THREAD = "thread"
        CATEGORY = "category"
        TAG = "tag"
        MEMBER = "member"
        ORGANISATION = "organisation"
        REPOSITORY = "repository"
        TASK = "task"

    class Level(models.IntegerChoices):
        MUTED = -1, "muted"  # never told, never listed
        NORMAL = 0, "normal"  # told when mentioned or answered; as if there were no row
        TRACKING = 1, "tracking"  # new posts are counted in lists
        FOLLOWING = 2, "following"  # told of what is new there: threads, articles, versions
        WATCHING = 3, "watching"  # told of every post

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="watches")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    target = models.CharField(max_length=100)  # an id, or the name of a task
    level = models.SmallIntegerField(choices=Level.choices)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "kind", "target"], name="watch_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["kind", "target", "level", "user"], name="watchers_of")
        ]


class Reading(models.Model):
    """Where a member left off in a thread."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="+")
    last_number = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "thread"], name="reading_once")
        ]


class Bookmark(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "post"], name="bookmark_once")
        ]


class Draft(models.Model):
    """What a member has begun to write in one form: `thread:12`, `new-topic`, `edit:30` …"""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    form = models.CharField(max_length=60)
    content = models.JSONField()  # the form's fields
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "form"], name="one_draft")]


class Attachment(models.Model):
    """A picture or a file that was put into a post; its bytes are a blob in the store."""

    id = models.CharField(primary_key=True, max_length=32)  # cannot be guessed
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    # Null until a post names it. Seen by whoever sees the post; before, by who uploaded it.
    post = models.ForeignKey(Post, null=True, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    at = models.DateTimeField(default=timezone.now)
