"""Checks of threads: that counts say what the posts say, and that files of posts are there."""

from collections.abc import Iterator
from functools import partial

from django.db import transaction
from django.db.models import Count, IntegerField, Max, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from llmos.community.threads.attaching import attachment_findings
from llmos.community.threads.models import Post, State, Thread
from llmos.kit.health import Finding


def thread_findings() -> Iterator[Finding]:
    yield from _count_findings()
    yield from attachment_findings()


def _count_findings() -> Iterator[Finding]:
    counted = Count("pk", filter=Q(state=State.VISIBLE, deed=""))
    of_thread = Post.objects.filter(thread=OuterRef("pk")).order_by().values("thread")
    posts = Subquery(of_thread.annotate(n=counted).values("n"), output_field=IntegerField())
    last = Subquery(of_thread.annotate(n=Max("number")).values("n"), output_field=IntegerField())
    rows = Thread.objects.annotate(
        real=Coalesce(posts, Value(0)), last=Coalesce(last, Value(0))
    ).values_list("pk", "posts_count", "real", "last_number", "last")
    for pk, said, real, said_last, last_there in rows.iterator(chunk_size=1000):
        # A number is never given twice, so the last one given may be of a post that was moved.
        if said != real or said_last < last_there:
            yield Finding(
                f"conversation {pk}",
                f"its row says {said} posts up to {said_last}, there are {real} up to {last_there}",
                partial(recount, pk),
            )


@transaction.atomic
def recount(thread_id: int) -> None:
    thread = Thread.objects.select_for_update().get(pk=thread_id)
    posts = Post.objects.filter(thread=thread)
    thread.posts_count = posts.filter(state=State.VISIBLE, deed="").count()
    last: int = posts.aggregate(last=Max("number"))["last"] or 0
    thread.last_number = max(thread.last_number, last)
    thread.save(update_fields=["posts_count", "last_number"])
