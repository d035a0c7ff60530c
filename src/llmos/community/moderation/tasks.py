"""What moderation does when it hears of posts, and of members who keep apart."""

from llmos.community.moderation.actions import hold_edited, take_up_held, take_up_mended
from llmos.community.moderation.holds import reason_to_hold_edited
from llmos.community.threads.models import Post, State, Watch
from llmos.community.trust.models import Distance
from llmos.store.tasks import task


@task()
def on_post_held(*, post_id: int) -> None:
    post = Post.objects.select_related("thread", "author").filter(pk=post_id).first()
    if post is not None:
        take_up_held(post)


@task()
def on_post_changed(*, post_id: int) -> None:
    post = Post.objects.select_related("thread", "author").filter(pk=post_id).first()
    if post is None or not post.edits:
        return
    if post.state == State.HIDDEN:
        take_up_mended(post)
    elif post.state == State.VISIBLE and (reason := reason_to_hold_edited(post)):
        hold_edited(post, reason)


@task()
def on_kept_apart(*, user_id: int, other_id: int, degree: str) -> None:
    """Who is blocked follows no more."""
    blocks = Distance.objects.filter(
        user_id=user_id, other_id=other_id, degree=Distance.Degree.BLOCK
    )
    if blocks.exists():
        Watch.objects.filter(user_id=other_id, kind=Watch.Kind.MEMBER, target=str(user_id)).delete()
