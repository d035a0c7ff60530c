"""Reading how far a newcomer is, and which first tasks there are."""

from dataclasses import dataclass
from typing import Any

from llmos.accounts.access import Viewer
from llmos.accounts.models import User
from llmos.community.welcome.access import seen_tasks
from llmos.community.welcome.models import FirstTask, StepDone
from llmos.community.welcome.steps import CHECKLISTS, Checklist, Step
from llmos.hub.models import Repository

TASKS_A_PAGE = 30
TASKS_BESIDE = 3  # a repository


@dataclass(frozen=True, slots=True)
class Ticked:
    """A step, where it is done, and whether this member has done it."""

    step: Step
    address: str
    done: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """A checklist as one member sees it; nobody in particular has done nothing."""

    checklist: Checklist
    steps: list[Ticked]

    @property
    def done(self) -> int:
        return sum(one.done for one in self.steps)


def steps_done(user: User) -> set[str]:
    """Names of the steps that were seen to be done."""
    return set(StepDone.objects.filter(user=user).values_list("step", flat=True))


def progress_of(name: str, done: set[str]) -> list[Progress]:
    """All checklists for a member of this name who has done these steps."""
    return [
        Progress(
            checklist,
            [
                Ticked(step, step.address.format(me=name or "settings/profile"), step.name in done)
                for step in checklist.steps
            ],
        )
        for checklist in CHECKLISTS
    ]


def tasks_shown(viewer: Viewer, *, skill: str, language: str, repository: str) -> list[FirstTask]:
    """Open tasks first, the short ones before; then those under way. Done ones are history."""
    found = seen_tasks(viewer).filter(state__in=[FirstTask.State.OPEN, FirstTask.State.TAKEN])
    limits: dict[str, Any] = {
        "skill": skill,
        "language": language,
        "repository__key": repository.casefold(),
    }
    found = found.filter(**{key: value for key, value in limits.items() if value})
    return list(found.order_by("state", "minutes", "pk")[:TASKS_A_PAGE])


def done_lately(viewer: Viewer, count: int = 10) -> list[FirstTask]:
    found = seen_tasks(viewer).filter(state=FirstTask.State.DONE)
    return list(found.order_by("-done_at", "-pk")[:count])


def tasks_on(repository: Repository) -> list[FirstTask]:
    """What is to be done on a repository, the shortest first."""
    wanted = FirstTask.objects.filter(repository=repository, state=FirstTask.State.OPEN)
    return list(wanted.order_by("minutes", "pk")[:TASKS_BESIDE])
