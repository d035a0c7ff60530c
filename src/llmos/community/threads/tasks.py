"""What threads owe: texts made anew by a newer renderer, and files that nobody named let go."""

from datetime import timedelta

from llmos.community.threads.attaching import let_go
from llmos.community.threads.models import Post, Thread
from llmos.community.threads.rendering import VERSION, render
from llmos.kit.time import now
from llmos.store.tasks import file_once, task

AT_ONCE = 200
_DAY = timedelta(days=1)


@task()
def render_anew() -> None:
    """Make the HTML of posts anew that an older renderer made; ends early, goes on in the next.

    The text of an article may have links of its own place: its room makes it.
    """
    old = Post.objects.filter(renderer__lt=VERSION).exclude(
        number=1, thread__place=Thread.Place.ARTICLE
    )
    found = list(old.order_by("-pk").values_list("pk", "text", "edits")[:AT_ONCE])
    for post_id, text, edits in found:
        html = render(text).html if text else ""
        # Edited in this moment: then it is new already.
        Post.objects.filter(pk=post_id, edits=edits).update(html=html, renderer=VERSION)
    if len(found) == AT_ONCE:
        render_anew.enqueue()


@task()
def tidy_attachments() -> None:
    """Let go of files that no post has named for a day. Once a day."""
    let_go()
    file_once(tidy_attachments, run_after=now() + _DAY)


def begin() -> None:
    """File what a starting worker owes."""
    if Post.objects.filter(renderer__lt=VERSION).exists():
        file_once(render_anew)
    file_once(tidy_attachments)
