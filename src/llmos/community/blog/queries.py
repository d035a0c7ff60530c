"""Reading articles: lists, what belongs together, and what search and feeds want to know."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db.models import Count, Q, QuerySet

from llmos.accounts.access import ANONYMOUS, Viewer
from llmos.accounts.models import Namespace, Role, User
from llmos.community.blog.models import WITH, Article, Coauthor, Series, Source, Trouble
from llmos.community.threads.access import listed
from llmos.community.threads.models import Tag, Thread
from llmos.community.threads.queries import tags_of
from llmos.kit.errors import Invalid
from llmos.kit.text import fold
from llmos.kit.time import now

ARTICLES_A_PAGE = 20
LANGUAGES_SECONDS = 60
MOST_OF_SERIES = 200
MOST_OWN = 200
MOST_TROUBLES = 50

_OF_THREAD = ("article__blog", "article__series", "author__namespace")


@dataclass(frozen=True, slots=True)
class Wish:
    """Which published articles somebody wants to see; empty means all."""

    blog: Namespace | None = None
    tag: Tag | None = None
    language: str = ""
    after: str = ""  # the cursor of the page before


@dataclass(frozen=True, slots=True)
class Listed:
    """An article in a list."""

    article: Article
    authors: Sequence[User]
    tags: Sequence[Tag]

    @property
    def thread(self) -> Thread:
        return self.article.thread

    @property
    def comments(self) -> int:
        return max(0, self.thread.posts_count - 1)


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Listed]
    cursor: str | None  # asks for the next page


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Where an article stands in its series."""

    series: Series
    place: int  # from 1
    count: int
    previous: Article | None
    following: Article | None


def article_with(thread_id: int) -> Article:
    """An article with all its rows, for this room's own work."""
    return Article.objects.select_related(*WITH).get(pk=thread_id)


def articles(viewer: Viewer, wish: Wish, *, limit: int = ARTICLES_A_PAGE) -> Page:
    """Published articles, newest first. Raises Invalid for a cursor that is not ours."""
    found = _published(viewer)
    if wish.blog is not None:
        found = found.filter(shelf=wish.blog.pk)
    if wish.tag is not None:
        found = found.filter(tag_rows__tag=wish.tag)
    if wish.language:
        own = Q(language=wish.language) | Q(language__startswith=f"{wish.language}-")
        found = found.filter(own)
    if wish.after:
        at, pk = _position(wish.after)
        found = found.filter(Q(published_at__lt=at) | Q(published_at=at, pk__lt=pk))
    threads = list(found.order_by("-published_at", "-pk")[: limit + 1])
    more = len(threads) > limit
    shown = threads[:limit]
    return Page(rows_of([_article(one) for one in shown]), _cursor(shown[-1]) if more else None)


def rows_of(found: Sequence[Article]) -> list[Listed]:
    """Articles with their authors and tags, in their order: two more reads for any number."""
    ids = [one.pk for one in found]
    tags, authors = tags_of(ids), authors_of(found)
    return [Listed(one, authors[one.pk], tags.get(one.pk, [])) for one in found]


def authors_of(found: Iterable[Article]) -> dict[int, list[User]]:
    """Who wrote each article: who opened it first, then co-authors in the order they accepted."""
    authors = {one.pk: [one.thread.author] if one.thread.author else [] for one in found}
    rows = Coauthor.objects.filter(article_id__in=authors, accepted_at__isnull=False)
    for row in rows.select_related("user__namespace").order_by("accepted_at", "pk"):
        authors[row.article_id].append(row.user)
    return authors


def languages(*, blog: Namespace | None = None) -> list[str]:
    """In which languages articles are there for everybody; at most a minute old."""
    key = f"blog-languages-{blog.pk if blog else ''}"
    found: list[str] | None = cache.get(key)
    if found is None:
        threads = _published(ANONYMOUS)
        if blog is not None:
            threads = threads.filter(shelf=blog.pk)
        codes = threads.order_by().values_list("language", flat=True).distinct()
        found = sorted({code.split("-")[0] for code in codes})
        cache.set(key, found, LANGUAGES_SECONDS)
    return found


def translations_of(viewer: Viewer, article: Article) -> list[Article]:
    """The same article in other languages, as far as the viewer finds them in lists."""
    if article.group is None:
        return []
    found = _published(viewer).filter(article__group=article.group).exclude(pk=article.pk)
    return sorted((_article(one) for one in found), key=lambda one: one.thread.language)


def articles_of_series(viewer: Viewer, series: Series) -> list[Article]:
    found = _published(viewer).filter(article__series=series)
    return [_article(one) for one in found.order_by("article__part", "pk")[:MOST_OF_SERIES]]


def neighbours_of(viewer: Viewer, article: Article) -> Neighbours | None:
    """None where it is in no series, or is not published and so has no place yet."""
    if article.series is None:
        return None
    found = articles_of_series(viewer, article.series)
    place = next((n for n, one in enumerate(found) if one.pk == article.pk), None)
    if place is None:
        return None
    return Neighbours(
        series=article.series,
        place=place + 1,
        count=len(found),
        previous=found[place - 1] if place else None,
        following=found[place + 1] if place + 1 < len(found) else None,
    )


def series_of_blog(viewer: Viewer, blog: Namespace) -> list[tuple[Series, int]]:
    """Series of a blog in which the viewer finds something, with how many articles."""
    counted = (
        _published(viewer)
        .filter(shelf=blog.pk, article__series__isnull=False)
        .order_by()
        .values_list("article__series")
        .annotate(count=Count("pk"))
    )
    counts: dict[int, int] = dict(counted)
    found = Series.objects.filter(pk__in=counts).order_by("title")
    return [(series, counts[series.pk]) for series in found]


def series_titles(blogs: Collection[Namespace]) -> list[str]:
    """Titles that a form offers."""
    found = Series.objects.filter(blog__in=blogs).order_by("title")
    return list(found.values_list("title", flat=True).distinct()[:MOST_OWN])


def own_articles(user_id: int) -> tuple[list[Article], list[Article]]:
    """What a member works on, newest first: drafts and scheduled ones, then published ones."""
    accepted = Coauthor.objects.filter(user_id=user_id, accepted_at__isnull=False)
    found = (
        Article.objects.select_related(*WITH)
        .filter(Q(thread__author_id=user_id) | Q(pk__in=accepted.values("article_id")))
        .order_by("-thread__created_at", "-pk")
    )
    moment = now()
    waiting = Q(thread__published_at=None) | Q(thread__published_at__gt=moment)
    return list(found.filter(waiting)[:MOST_OWN]), list(found.exclude(waiting)[:MOST_OWN])


def invitations_of(user_id: int) -> list[Coauthor]:
    """Articles that a member is asked to put her name to."""
    found = Coauthor.objects.filter(user_id=user_id, accepted_at=None)
    return list(
        found.select_related("article__thread", "article__blog", "invited_by").order_by(
            "-invited_at"
        )
    )


def is_invited(user_id: int | None, article: Article) -> bool:
    """Whether a member is asked to put her name to it, and has not answered."""
    if user_id is None:
        return False
    return article.coauthors.filter(user_id=user_id, accepted_at=None).exists()


def coauthors_of(article: Article) -> list[Coauthor]:
    """Those asked too, for the editing page."""
    return list(article.coauthors.select_related("user__namespace").order_by("invited_at", "pk"))


def troubles_of(user_id: int) -> list[Trouble]:
    """Files that a member pushed, or that lie in repositories she answers for, and why they
    are no articles.
    """
    administers = Q(
        repository__namespace__organisation__memberships__user_id=user_id,
        repository__namespace__organisation__memberships__role__in=[Role.WRITE, Role.ADMIN],
    )
    hers = Q(user_id=user_id) | Q(repository__namespace__user__id=user_id) | administers
    found = Trouble.objects.filter(hers).select_related("repository__namespace").distinct()
    return list(found.order_by("-at", "-pk")[:MOST_TROUBLES])


def source_of(article: Article) -> Source | None:
    found: Source | None = getattr(article, "source", None)
    return found


def facts_for_search(thread_ids: Collection[int]) -> dict[int, list[str]]:
    """Terms that filters ask for: the blog, and co-authors as authors."""
    found = Article.objects.filter(pk__in=thread_ids).select_related("blog")
    terms = {one.pk: [f"blog:{fold(one.blog.name)}"] for one in found}
    rows = Coauthor.objects.filter(article_id__in=terms, accepted_at__isnull=False)
    for article_id, name in rows.values_list("article_id", "user__username"):
        terms[article_id].append(f"author:{fold(name)}")
    return terms


def _published(viewer: Viewer) -> QuerySet[Thread]:
    return Thread.objects.filter(
        listed(viewer), place=Thread.Place.ARTICLE, article__isnull=False
    ).select_related(*_OF_THREAD)


def _article(thread: Thread) -> Article:
    article: Article = thread.article
    article.thread = thread
    return article


def _cursor(thread: Thread) -> str:
    assert thread.published_at is not None  # lists show nothing else
    return f"{thread.published_at.timestamp():.6f}-{thread.pk}"


def _position(cursor: str) -> tuple[datetime, int]:
    at, _, pk = cursor.partition("-")
    try:
        return datetime.fromtimestamp(float(at), tz=now().tzinfo), int(pk)
    except (ValueError, OverflowError, OSError):
        raise Invalid("The list has no such page; begin again at its start") from None
