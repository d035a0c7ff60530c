"""What follows a deed anywhere here: a row for feeds, and credit for who contributed.

Every task looks at the state of now, so late, doubled and reordered runs end the same.
"""

from datetime import timedelta

from llmos.community.social.models import Activity
from llmos.community.social.recording import describe_repository, describe_thread, record
from llmos.community.threads.models import Post, Thread
from llmos.community.trust.actions import credit
from llmos.community.trust.models import Credit
from llmos.evaluation.models import Result
from llmos.hub.git import log, refs, repos
from llmos.hub.git.tree import all_files
from llmos.hub.models import ChangeRequest, Like, Repository
from llmos.kit.text import cleaned
from llmos.provenance.models import Activity as Made
from llmos.store.tasks import task

# Pushes of the first day belong to the sharing of a repository and are not told again.
FIRST_DAY = timedelta(days=1)
LONGEST_TEXT = 200
# A repository counts as a contribution when it has more than what every one begins with.
_NO_CONTRIBUTION = frozenset({"README.md", ".gitattributes", ".gitignore", "LICENSE"})
_CREDITED = {"model": Credit.Kind.MODEL, "dataset": Credit.Kind.DATASET}


@task()
def on_repository_created(*, repository_id: int) -> None:
    repository = _repository(repository_id)
    if repository is None:
        return
    record(
        key=f"repository:{repository.pk}",
        kind=Activity.Kind.REPOSITORY,
        at=repository.created_at,
        actor_id=repository.created_by_id,
        namespace_id=repository.namespace_id,
        repository=repository,
    )


@task()
def on_repository_changed(*, repository_id: int) -> None:
    repository = _repository(repository_id)
    if repository is not None:
        describe_repository(repository)
        credit_repository(repository)


@task()
def on_ref_updated(
    *, repository_id: int, ref: str, old: str, new: str, user_id: int | None
) -> None:
    repository = _repository(repository_id)
    if repository is None or ref != repos.MAIN or new == refs.NOTHING:
        return
    describe_repository(repository)
    credit_repository(repository)
    if repository.updated_at - repository.created_at > FIRST_DAY:
        _record_version(repository, user_id)


@task()
def on_repository_liked(*, repository_id: int, user_id: int) -> None:
    like = (
        Like.objects.filter(repository_id=repository_id, user_id=user_id)
        .select_related("repository")
        .first()
    )
    if like is None:
        return
    record(
        key=f"like:{repository_id}:{user_id}",
        kind=Activity.Kind.LIKE,
        at=like.created_at,
        actor_id=user_id,
        namespace_id=like.repository.namespace_id,
        repository=like.repository,
        like=like,
    )
    describe_repository(like.repository)


@task()
def on_change_request_changed(*, repository_id: int, number: int, status: str) -> None:
    change = (
        ChangeRequest.objects.filter(repository_id=repository_id, number=number)
        .select_related("repository")
        .first()
    )
    if change is None or change.status != ChangeRequest.Status.MERGED:
        return
    record(
        key=f"merged:{repository_id}:{number}",
        kind=Activity.Kind.MERGED,
        at=change.repository.updated_at,
        actor_id=change.author_id,
        namespace_id=change.repository.namespace_id,
        repository=change.repository,
        number=number,
        text=change.title[:LONGEST_TEXT],
    )


@task()
def on_activity_recorded(*, activity_id: str) -> None:
    """A job made a version of a model."""
    made = Made.objects.filter(pk=activity_id, activity="train").first()
    output = made.output() if made is not None else None
    repository = output.repository if output is not None else None
    if made is None or output is None or repository is None:
        return
    record(
        key=f"trained:{made.pk}",
        kind=Activity.Kind.TRAINED,
        at=made.ended_at,
        actor_id=made.user_id,
        namespace_id=repository.namespace_id,
        repository=repository,
        commit=output.commit,
    )


@task()
def on_result_recorded(*, result_id: str, repository_id: int) -> None:
    result = Result.objects.filter(pk=result_id).select_related("model").first()
    if result is None:
        return
    record(
        key=f"result:{result.pk}",
        kind=Activity.Kind.RESULT,
        at=result.at,
        actor_id=result.user_id,
        namespace_id=result.model.namespace_id,
        repository=result.model,
        result=result,
    )
    if result.user_id is not None and not result.model.is_private:
        credit(user_id=result.user_id, kind=Credit.Kind.EVALUATION, subject=f"result:{result.pk}")


@task()
def on_thread_opened(*, thread_id: int) -> None:
    thread = Thread.objects.filter(pk=thread_id).select_related("repository").first()
    if thread is None or thread.published_at is None:
        return
    record(
        key=f"{thread.place}:{thread.pk}",
        kind=thread.place,
        at=thread.published_at,
        actor_id=thread.author_id,
        namespace_id=_namespace_of(thread),
        repository=thread.repository,
        thread=thread,
        number=_number_of_change(thread),
    )


@task()
def on_thread_changed(*, thread_id: int) -> None:
    thread = Thread.objects.filter(pk=thread_id).first()
    if thread is not None:
        describe_thread(thread)


@task()
def on_reacted(*, post_id: int, user_id: int, name: str) -> None:
    """What many like is shown to others who read its language."""
    post = Post.objects.filter(pk=post_id).select_related("thread").first()
    if post is not None:
        describe_thread(post.thread)


@task()
def on_answer_accepted(*, thread_id: int, post_id: int, user_id: int) -> None:
    post = Post.objects.filter(pk=post_id).select_related("thread__repository").first()
    if post is None or post.author_id is None:
        return
    record(
        key=f"answer:{post.pk}",
        kind=Activity.Kind.ANSWER,
        at=post.created_at,
        actor_id=post.author_id,
        namespace_id=_namespace_of(post.thread),
        repository=post.thread.repository,
        thread=post.thread,
        post=post,
    )


@task()
def on_answer_withdrawn(*, thread_id: int, post_id: int) -> None:
    Activity.objects.filter(key=f"answer:{post_id}").delete()


def credit_repository(repository: Repository) -> None:
    """Credit who shared it, once it is public and has something in it."""
    kind = _CREDITED.get(repository.type)
    if kind is None or repository.created_by_id is None or repository.is_private:
        return
    sha = refs.read_ref(repository.pk, repos.MAIN)
    paths = (path for path, _oid in all_files(repository.pk, sha)) if sha else iter(())
    if any(path not in _NO_CONTRIBUTION for path in paths):
        subject = f"{repository.type}:{repository.pk}"
        credit(user_id=repository.created_by_id, kind=kind, subject=subject)


def _record_version(repository: Repository, user_id: int | None) -> None:
    sha = repository.head_sha
    record(
        key=f"version:{repository.pk}:{repository.updated_at:%Y-%m-%d}",
        kind=Activity.Kind.VERSION,
        at=repository.updated_at,
        newest=True,
        actor_id=user_id,
        namespace_id=repository.namespace_id,
        repository=repository,
        commit=sha,
        text=cleaned(log.commit_at(repository.pk, sha).title)[:LONGEST_TEXT],
    )


def _namespace_of(thread: Thread) -> int | None:
    """In whose name it stands: the blog's, or the repository's owner's."""
    if thread.namespace_id is not None:
        return thread.namespace_id
    return thread.repository.namespace_id if thread.repository is not None else None


def _repository(repository_id: int) -> Repository | None:
    return Repository.objects.filter(pk=repository_id).first()


def _number_of_change(thread: Thread) -> int | None:
    """That of the change request whose discussion this is, if it is one."""
    if thread.place != Thread.Place.DISCUSSION or thread.repository is None:
        return None
    number = thread.address.rpartition("/")[2]
    changes = ChangeRequest.objects.filter(repository=thread.repository, number=number)
    return changes.values_list("number", flat=True).first()
