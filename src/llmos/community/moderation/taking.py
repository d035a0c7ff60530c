"""What a member takes along of how far she is trusted, and of what was decided about her."""

from collections.abc import Iterable

from llmos.accounts.models import User
from llmos.accounts.taking import Farewell, Part
from llmos.community.moderation.models import Case, Decision, Report
from llmos.community.trust.models import Credit
from llmos.community.trust.queries import distances_of, standing_of


def export(user: User) -> Iterable[Part]:
    standing = standing_of(user.pk)
    yield (
        "trust.json",
        {
            "level": standing.level,
            "held": standing.held,
            "silenced_until": standing.silenced_until,
            "counts": {
                "posts": standing.posts,
                "threads": standing.threads,
                "reactions_given": standing.reactions_given,
                "reactions_received": standing.reactions_received,
                "threads_read": standing.threads_read,
                "posts_read": standing.posts_read,
                "days_here": standing.days_here,
            },
            "credits": list(
                Credit.objects.filter(user=user).order_by("pk").values("kind", "subject", "at")
            ),
        },
    )
    yield (
        "kept_away.json",
        [
            {"name": one.other.username, "degree": one.degree, "since": one.since}
            for one in distances_of(user.pk)
        ],
    )
    about = Decision.objects.filter(member=user).order_by("pk")
    told = Report.objects.filter(user=user).order_by("pk")
    yield "decisions_about_you.json", list(about.values("act", "reason", "until", "at"))
    yield "reports_by_you.json", list(told.values("reason", "at", "is_settled"))


def forget(user: User, removes_text: bool) -> None:
    """Nobody has to decide any more about a member who is gone."""
    Case.objects.filter(kind=Case.Kind.MEMBER, target=user.pk).delete()
    Report.objects.filter(user=user).update(is_settled=True)


FAREWELL = Farewell(forget=forget)
