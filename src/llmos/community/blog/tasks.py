"""What follows a push, a time that comes, and a text that changes.

Each looks at the state of now, so late, doubled and reordered runs end the same.
"""

from datetime import timedelta

from llmos.accounts.models import User
from llmos.community.blog import actions
from llmos.community.blog.models import Article
from llmos.community.blog.pushing import follow
from llmos.community.threads.models import Post, State, Thread
from llmos.hub.git import refs, repos
from llmos.hub.models import Repository
from llmos.kit.time import now
from llmos.store.tasks import task


@task()
def on_ref_updated(
    *, repository_id: int, ref: str, old: str, new: str, user_id: int | None
) -> None:
    if ref == repos.MAIN:
        _follow(repository_id, user_id)


@task()
def on_repository_changed(*, repository_id: int) -> None:
    """Public now, or no longer: the files are the same, who may read them is not."""
    _follow(repository_id, None)


@task()
def on_article_scheduled(*, thread_id: int) -> None:
    """Tell others when its time has come; before, wait for it."""
    at = actions.announce_due(thread_id=thread_id)
    if at is not None:
        on_article_scheduled.using(run_after=at).enqueue(thread_id=thread_id)


@task()
def on_thread_opened(*, thread_id: int) -> None:
    actions.credit_authors(thread_id=thread_id)


@task()
def on_post_changed(*, post_id: int) -> None:
    """Its text is another one, or a moderator lets it be read."""
    post = Post.objects.filter(pk=post_id, number=1, thread__place=Thread.Place.ARTICLE).first()
    if post is not None:
        actions.describe(thread_id=post.thread_id)
        actions.announce_due(thread_id=post.thread_id)


def begin() -> None:
    """File what a long stopped hub owes: articles whose time came meanwhile."""
    due = Article.objects.filter(
        announced_at=None, thread__published_at__lte=now(), thread__state=State.VISIBLE
    )
    for thread_id in due.values_list("pk", flat=True):
        on_article_scheduled.enqueue(thread_id=thread_id)


def _follow(repository_id: int, user_id: int | None) -> None:
    repository = (
        Repository.objects.select_related("namespace", "created_by")
        .filter(pk=repository_id)
        .first()
    )
    head = refs.read_ref(repository_id, repos.MAIN) if repository else None
    if repository is None or head is None:
        return
    user = User.objects.filter(pk=user_id).first() if user_id else None
    wait = follow(repository, head, user=user)
    if wait:
        on_ref_updated.using(run_after=now() + timedelta(seconds=wait)).enqueue(
            repository_id=repository_id, ref=repos.MAIN, old="", new=head, user_id=user_id
        )
