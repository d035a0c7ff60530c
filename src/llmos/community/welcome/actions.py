"""Ticking steps off, and offering, taking and finishing first tasks."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.accounts.models import User
from llmos.accounts.queries import user_named
from llmos.community.threads.access import writer
from llmos.community.trust.actions import credit
from llmos.community.trust.models import Credit
from llmos.community.welcome.errors import TaskTaken
from llmos.community.welcome.models import FirstTask, StepDone
from llmos.community.welcome.queries import steps_done
from llmos.community.welcome.steps import STEPS, Step
from llmos.hub.git import refs, repos, tree
from llmos.hub.models import ChangeRequest, Repository
from llmos.kit.errors import Invalid
from llmos.kit.text import cleaned, language_of
from llmos.kit.time import now

LONGEST_MINUTES = 240
LONGEST_TEXT = 10_000
State = FirstTask.State


def tick(user: User, steps: Iterable[Step] = STEPS.values()) -> set[str]:
    """Look which of the steps she has done by now, remember the new ones; returns all she has.

    Each step that is not done yet costs a look at its rows.
    """
    done = steps_done(user)
    new = [step for step in steps if step.name not in done and step.was_done(user)]
    StepDone.objects.bulk_create(
        (StepDone(user=user, step=step.name) for step in new), ignore_conflicts=True
    )
    return done | {step.name for step in new}


@transaction.atomic
def offer(
    viewer: Viewer,
    *,
    repository: Repository,
    title: str,
    text: str,
    skill: str,
    minutes: int,
    mentor: str,
    check_kind: str,
    check_path: str = "",
) -> FirstTask:
    """A task on a repository that the viewer may write to. Raises Invalid."""
    author = writer(viewer, "offer a task")
    title, text = " ".join(cleaned(title).split()), cleaned(text).strip()
    if not 0 < len(title) <= 160:
        raise Invalid(_("A task needs a title of at most 160 characters"))
    if len(text) > LONGEST_TEXT:
        raise Invalid(_("The text has at most %(n)d characters") % {"n": LONGEST_TEXT})
    if not 5 <= minutes <= LONGEST_MINUTES:
        raise Invalid(_("A first task takes 5 to %(n)d minutes") % {"n": LONGEST_MINUTES})
    if skill not in FirstTask.Skill.values or check_kind not in FirstTask.Check.values:
        raise Invalid(_("The form was not complete"))
    guide = user_named(mentor.lstrip("@")) if mentor else None
    if guide is None:
        raise Invalid(
            _("Name a member who answers questions about it: there is no %(name)r")
            % {"name": mentor[:96]}
        )
    path = check_path.strip().strip("/")
    if check_kind == FirstTask.Check.FILE and not path:
        raise Invalid(_("Say which file shows that it is done"))
    if check_kind == FirstTask.Check.FILE and _has_file(repository.pk, path):
        raise Invalid(_("%(path)s is there already; name a file that is to come") % {"path": path})
    # The lock makes a form that was sent twice one task.
    repository = Repository.objects.select_for_update().get(pk=repository.pk)
    offered = FirstTask.objects.filter(
        repository=repository, title=title, created_by_id=author, state=FirstTask.State.OPEN
    ).first()
    return offered or FirstTask.objects.create(
        repository=repository,
        title=title,
        text=text,
        language=language_of(f"{title} {text}"),
        skill=skill,
        minutes=minutes,
        mentor=guide,
        check_kind=check_kind,
        check_path=path,
        created_by_id=author,
    )


@transaction.atomic
def take(viewer: Viewer, *, task: FirstTask) -> None:
    """Say that one is at it; open again after a week. Raises TaskTaken."""
    user = writer(viewer, "take a task")
    task = FirstTask.objects.select_for_update().get(pk=task.pk)
    if task.state == State.TAKEN and task.taken_by_id == user:
        return
    if not task.is_free:
        raise TaskTaken(_("Somebody is at it already, or it is done; take another one"))
    task.state, task.taken_by_id, task.taken_at = State.TAKEN, user, now()
    task.save(update_fields=["state", "taken_by", "taken_at"])


@transaction.atomic
def give_back(*, task: FirstTask) -> None:
    """Let others take it again. Twice is once."""
    FirstTask.objects.filter(pk=task.pk, state=State.TAKEN).update(
        state=State.OPEN, taken_by=None, taken_at=None
    )


@transaction.atomic
def withdraw(*, task: FirstTask) -> None:
    FirstTask.objects.filter(pk=task.pk).exclude(state=State.DONE).update(state=State.WITHDRAWN)


@transaction.atomic
def check_tasks(repository_id: int) -> list[FirstTask]:
    """Finish those tasks under way whose check is met now, and credit who did them."""
    under_way = FirstTask.objects.select_for_update().filter(
        repository_id=repository_id, state=State.TAKEN, taken_by__isnull=False
    )
    finished = [task for task in under_way if _is_met(task)]
    for task in finished:
        task.state, task.done_at = State.DONE, now()
        task.save(update_fields=["state", "done_at"])
        assert task.taken_by_id is not None
        credit(user_id=task.taken_by_id, kind=Credit.Kind.TASK, subject=f"task:{task.pk}")
    return finished


def _is_met(task: FirstTask) -> bool:
    if task.check_kind == FirstTask.Check.FILE:
        return _has_file(task.repository_id, task.check_path)
    # Merged since she took it: an older change has nothing to do with the task.
    return ChangeRequest.objects.filter(
        repository_id=task.repository_id,
        author_id=task.taken_by_id,
        status=ChangeRequest.Status.MERGED,
        created_at__gte=task.taken_at or task.created_at,
    ).exists()


def _has_file(repository_id: int, path: str) -> bool:
    sha = refs.read_ref(repository_id, repos.MAIN)
    return sha is not None and bool(tree.entries_at(repository_id, sha, [path]))
