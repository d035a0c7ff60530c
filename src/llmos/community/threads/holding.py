"""Holding the rows of a conversation while they change.

A thread comes before its posts, a member's place in it before her counts, and of two members
the lower number first: with one order for all, nobody waits for another in a ring.
"""

from llmos.community.threads.models import Post, Thread


def held(post_id: int) -> Post:
    """A post with its thread, both held until the transaction ends. Raises Post.DoesNotExist."""
    while True:
        at = Post.objects.values_list("thread_id", flat=True).get(pk=post_id)
        thread = Thread.objects.select_for_update().get(pk=at)
        post = Post.objects.select_for_update().get(pk=post_id)
        if post.thread_id == at:  # else it was moved in between
            post.thread = thread
            return post
