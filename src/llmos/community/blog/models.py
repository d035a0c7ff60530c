"""Articles as rows beside their threads, and what a blog knows more than a thread does."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from llmos.accounts.models import Namespace, User
from llmos.community.threads.models import Thread
from llmos.hub.models import Repository

# What most looks at an article read with it.
WITH = (
    "blog",
    "series",
    "source__repository",
    "thread__author__namespace",
    "thread__repository",
)


class Series(models.Model):
    """Articles of one blog that are read in an order."""

    blog = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="article_series")
    title = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["blog", "title"], name="series_titles_differ")
        ]

    def __str__(self) -> str:
        return self.title


class Article(models.Model):
    """What an article is beyond its thread, whose first post is the text."""

    thread = models.OneToOneField(
        Thread, primary_key=True, on_delete=models.CASCADE, related_name="article"
    )
    blog = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="articles")
    slug = models.CharField(max_length=80)
    summary = models.CharField(max_length=300, blank=True)  # as its authors say it
    opening = models.CharField(max_length=300, blank=True)  # the text's first sentences
    minutes = models.PositiveSmallIntegerField(default=1)  # that reading takes
    cover = models.CharField(max_length=400, blank=True)  # address of a picture of ours
    cover_text = models.CharField(max_length=300, blank=True)  # in place of the picture
    canonical = models.URLField(max_length=500, blank=True)  # where it was published before
    series = models.ForeignKey(
        Series, null=True, on_delete=models.SET_NULL, related_name="articles"
    )
    part = models.PositiveIntegerField(default=0)  # its place in the series
    # The same for all languages of one article: the thread of the one that was there first.
    group = models.BigIntegerField(null=True, db_index=True)
    # When others were told of it, once. An article that is taken back keeps it.
    announced_at = models.DateTimeField(null=True)
    # Opens the draft to whoever has the link; kept as it is, since its authors see it again.
    preview_key = models.CharField(max_length=43, null=True, unique=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["blog", "slug"], name="article_addresses_differ")
        ]

    def __str__(self) -> str:
        return f"/blog/{self.blog.name}/{self.slug}"

    @property
    def about(self) -> str:
        return self.summary or self.opening


class Coauthor(models.Model):
    """A member beside who opened an article; invited until she accepts."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="coauthors")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="coauthored")
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    invited_at = models.DateTimeField(default=timezone.now)
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["article", "user"], name="coauthor_once")
        ]


class Source(models.Model):
    """The file of a repository that an article is made from."""

    article = models.OneToOneField(Article, on_delete=models.CASCADE, related_name="source")
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, related_name="article_sources"
    )
    path = models.CharField(max_length=500)
    commit = models.CharField(max_length=40)  # at which the file was read
    blob = models.CharField(max_length=40)  # what it said then

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "path"], name="one_article_of_a_file")
        ]


class Trouble(models.Model):
    """Why a pushed file is no article, or not the newest one; gone once it is mended."""

    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, related_name="article_troubles"
    )
    path = models.CharField(max_length=500)
    commit = models.CharField(max_length=40)
    message = models.TextField()
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "path"], name="one_trouble_of_a_file")
        ]
