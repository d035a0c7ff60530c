"""What a member takes along of her jobs; those under way must end before she leaves."""

from collections.abc import Iterable

from django.utils.translation import ngettext

from llmos.accounts.models import User
from llmos.accounts.taking import Farewell, Part
from llmos.jobs.models import Job
from llmos.jobs.stages import ENDED


def export(user: User) -> Iterable[Part]:
    filed = Job.objects.filter(user=user).select_related("namespace").order_by("created_at")
    yield (
        "jobs.json",
        [
            {
                "id": one.pk,
                "for": one.namespace.name,
                "activity": one.activity,
                "stage": one.stage,
                "asked": one.spec,
                "output": one.output,
                "result": one.result,
                "cost": one.cost,
                "at": one.created_at,
                "ended": one.ended_at,
            }
            for one in filed.iterator(chunk_size=200)
        ],
    )


def hindrances(user: User) -> list[str]:
    under_way = Job.objects.filter(user=user).exclude(stage__in=ENDED).count()
    if not under_way:
        return []
    return [
        ngettext(
            "%(n)d job of yours waits or runs: cancel it first, or let it end.",
            "%(n)d jobs of yours wait or run: cancel them first, or let them end.",
            under_way,
        )
        % {"n": under_way}
    ]


def forget(user: User, removes_text: bool) -> None:
    """Rows of jobs go with the member; nothing else is kept of them."""


FAREWELL = Farewell(forget=forget, hindrances=hindrances)
