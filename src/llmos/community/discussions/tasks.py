"""What follows a change in the background: credit, lines for pushes, addresses after a rename."""

from llmos.community.discussions import actions, queries
from llmos.community.discussions.models import Discussion
from llmos.community.trust.actions import credit
from llmos.community.trust.models import Credit
from llmos.hub.changes import ends
from llmos.hub.git import log, refs
from llmos.hub.models import ChangeRequest, Repository
from llmos.store.tasks import task

COMMITS_NAMED = 20  # of one push


@task()
def on_change_request_changed(*, repository_id: int, number: int, status: str) -> None:
    """A merged change is credited to who gave it and to who looked at it.

    Who merges her own has not had anybody look at it, and is credited nothing.
    """
    change = ChangeRequest.objects.filter(
        repository_id=repository_id, number=number, status=ChangeRequest.Status.MERGED
    ).first()
    if change is None or change.author_id == change.merged_by_id:
        return
    for user_id in (change.author_id, change.merged_by_id):
        if user_id is not None:
            subject = f"change:{repository_id}/{number}"
            credit(user_id=user_id, kind=Credit.Kind.REVIEW, subject=subject)


@task()
def on_ref_updated(
    *, repository_id: int, ref: str, old: str, new: str, user_id: int | None
) -> None:
    """A line in the conversation for commits pushed to a change request."""
    number = ref.removeprefix("refs/pr/")
    if number == ref or not number.isdecimal() or new == refs.NOTHING:
        return
    discussion = queries.of_change(repository_id, int(number))
    if discussion is None or discussion.change_request is None:
        return
    start = ends(discussion.change_request)[0] if old == refs.NOTHING else old
    commits = log.history(repository_id, f"{start}..{new}", limit=COMMITS_NAMED)[::-1]
    if commits:
        prefix = actions.address_of(discussion.repository, 0).removesuffix("discussions/0")
        lines = [f"- [`{c.sha[:8]}`]({prefix}commit/{c.sha}) {_plain(c.title)}" for c in commits]
        actions.note_push(discussion=discussion, user_id=user_id, text="\n".join(lines))


@task()
def on_repository_changed(*, repository_id: int) -> None:
    """Discussions are read under their repository's new name."""
    repository = Repository.objects.filter(pk=repository_id).first()
    if repository is None:
        return
    newest = Discussion.objects.filter(repository=repository).select_related("thread").last()
    if newest and newest.thread.address != actions.address_of(repository, newest.number):
        actions.move_addresses(repository)


def _plain(title: str) -> str:
    """A commit's title as Markdown that says just that."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|~$@&" else c for c in title[:200])
