"""Keeping the search index in step with what is written."""

import logging

from llmos.community.finding.documents import documents_of, searched_posts
from llmos.community.threads.models import Post, Thread
from llmos.store import search
from llmos.store.tasks import task

logger = logging.getLogger(__name__)

MOST_POSTS = 1000  # of one thread that are indexed anew when its title or tags change


@task()
def on_post(*, post_id: int) -> None:
    """Written, edited, held back or shown."""
    found = Post.objects.filter(pk=post_id).select_related("thread").first()
    if found is not None:
        _index(found.thread, [post_id])


@task()
def on_thread(*, thread_id: int) -> None:
    """Title, tags, place or state of a thread are in the documents of all its posts."""
    thread = Thread.objects.filter(pk=thread_id).first()
    if thread is None:
        return
    ids = thread.posts.order_by("number").values_list("pk", flat=True)[:MOST_POSTS]
    _index(thread, list(ids))


def _index(thread: Thread, post_ids: list[int]) -> None:
    documents = list(documents_of(searched_posts().filter(pk__in=post_ids)))
    shown = {document.id for document in documents}
    try:
        search.forget(f"{thread.place}:{pk}" for pk in post_ids if pk not in shown)
        search.index(documents)
    except search.IndexDamaged:
        logger.warning("the search index is damaged; making it anew")
        search.rebuild()
