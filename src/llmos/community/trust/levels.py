"""The table of trust: what each level needs and what it allows. Numbers only, changed in
`[community]` of llmos.toml.

Reading counts as in Discourse; a credited contribution to a repository counts as the reading
of `A_CREDIT_IS`, so that somebody who brings a model need not read first.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from llmos.community.trust.config import CommunitySettings
from llmos.community.trust.models import Level, Standing
from llmos.kit.config import BadConfiguration, current

# Opening pages one after the other is no reading: a post takes some seconds, and what is read
# at once is a page at most.
SECONDS_A_POST = 6
MOST_AT_ONCE = 30
A_CREDIT_IS = {"threads_read": 5, "posts_read": 30}


@dataclass(frozen=True, slots=True)
class Needs:
    """Counts that a level follows from, all of them."""

    days_here: int = 0
    threads_read: int = 0
    posts_read: int = 0
    posts: int = 0
    reactions_given: int = 0
    reactions_received: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much one post may hold."""

    links: int
    images: int
    mentions: int


Pace = tuple[int, int, int]  # at most so many in a minute, an hour, a day

# A steward is made by hand, so nothing leads there.
NEEDS: dict[Level, Needs] = {
    Level.MEMBER: Needs(threads_read=5, posts_read=30),
    Level.REGULAR: Needs(
        days_here=15,
        threads_read=20,
        posts_read=100,
        posts=3,
        reactions_given=1,
        reactions_received=1,
    ),
    Level.LEADER: Needs(
        days_here=50,
        threads_read=100,
        posts_read=500,
        posts=30,
        reactions_given=30,
        reactions_received=20,
    ),
}

# Nobody calls a whole community into a post, so mentions are few at every level.
ALLOWANCES: dict[Level, Allowance] = {
    Level.NEW: Allowance(links=2, images=1, mentions=2),
    Level.MEMBER: Allowance(links=20, images=10, mentions=10),
    Level.REGULAR: Allowance(links=50, images=30, mentions=10),
    Level.LEADER: Allowance(links=100, images=60, mentions=15),
    Level.STEWARD: Allowance(links=500, images=100, mentions=50),
}

PACES: dict[Level, dict[str, Pace]] = {
    Level.NEW: {
        "thread": (2, 5, 10),
        "post": (4, 30, 60),
        "edit": (6, 60, 200),
        "reaction": (20, 100, 300),
        "report": (3, 10, 20),
        "attachment": (6, 30, 60),
    },
    Level.MEMBER: {
        "thread": (3, 15, 40),
        "post": (8, 90, 300),
        "edit": (12, 200, 600),
        "reaction": (30, 300, 1000),
        "report": (5, 20, 40),
        "attachment": (15, 100, 300),
    },
    Level.REGULAR: {
        "thread": (5, 30, 100),
        "post": (12, 150, 600),
        "edit": (20, 400, 1500),
        "reaction": (40, 500, 2000),
        "report": (6, 40, 100),
        "attachment": (30, 200, 600),
    },
}
PACES[Level.LEADER] = PACES[Level.STEWARD] = {
    kind: (2 * minute, 2 * hour, 2 * day)
    for kind, (minute, hour, day) in PACES[Level.REGULAR].items()
}


def deserved(standing: Standing) -> Level:
    """The level that a member's deeds amount to."""
    reached = Level.NEW
    for level in NEEDS:
        if not missing(standing, level):
            reached = level
        else:
            break
    return reached


def missing(standing: Standing, level: Level) -> dict[str, int]:
    """What a member still lacks for a level, by count; empty when nothing."""
    wanted = needs_of(level)
    lacks = {}
    for name in Needs.__slots__:
        has = getattr(standing, name) + standing.credits * A_CREDIT_IS.get(name, 0)
        if has < getattr(wanted, name):
            lacks[name] = getattr(wanted, name) - has
    return lacks


def needs_of(level: Level) -> Needs:
    found: Needs = _changed(level, "levels", NEEDS[level])
    return found


def allowance_of(level: int) -> Allowance:
    found: Allowance = _changed(Level(level), "allowances", ALLOWANCES[Level(level)])
    return found


@cache
def pace_of(level: int, kind: str) -> Pace | None:
    """Most in a minute, an hour and a day; None where the hub sets no limit."""
    settings = current(CommunitySettings)
    if settings.pace <= 0:
        return None
    told = settings.paces.get(Level(level).label, {}).get(kind, PACES[Level(level)][kind])
    if not isinstance(told, list | tuple) or len(told) != 3:
        raise BadConfiguration(
            f"[community.paces.{Level(level).label}] {kind} = {told!r}: write [minute, hour, day]"
        )
    minute, hour, day = (max(1, int(number) * settings.pace // 100) for number in told)
    return minute, hour, day


@cache
def _changed(level: Level, table: str, row: Any) -> Any:
    told = getattr(current(CommunitySettings), table).get(level.label, {})
    try:
        return replace(row, **told)
    except TypeError:
        raise BadConfiguration(
            f"[community.{table}.{level.label}] knows {', '.join(row.__slots__)}"
        ) from None
