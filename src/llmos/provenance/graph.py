"""Walking lineage: commits and the activities between them, as far as a viewer may know.

A use is traced to the activity that made the very commit, or to the last one before it where
the commit is a later edit. Each level of the walk is a fixed number of indexed reads. What the
viewer may not know stands nameless, and nothing is told of what lies beyond it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from orjson import loads

from llmos.accounts.access import Viewer
from llmos.accounts.models import User
from llmos.hub.access import visible_sql
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.provenance.models import Activity, Edge
from llmos.store import db

Direction = Literal["from", "to"]
MOST = 1000  # activities
DEEPEST = 12
_MOST_MAKERS = 5000  # outputs that are looked through to find who made a commit


class Node(NamedTuple):
    """A commit of a repository. Without a name: the viewer may not know which."""

    key: str
    kind: str
    repository_id: int | None = None
    name: str = ""
    commit: str = ""
    is_gone: bool = False

    @property
    def url(self) -> str:
        """Its page, where there is one."""
        if not self.name or self.is_gone:
            return ""
        return f"/{KINDS[self.kind].prefix}{self.name}"


class Step(NamedTuple):
    """An activity, without the large parts that only its own page shows."""

    id: str
    activity: str
    user_id: int | None
    recipe_hash: str
    software_hash: str
    seed: int
    hardware: dict[str, Any]
    cost: dict[str, Any]
    started_at: datetime
    ended_at: datetime

    @property
    def url(self) -> str:
        return f"/activities/{self.id}"


class Use(NamedTuple):
    node: str
    step: str
    role: str
    is_outdated: bool  # the source is gone, or its main branch holds other content now


@dataclass(slots=True)
class Lineage:
    """A graph around `focus`. `cut`: there is more than was walked.

    A step is None where the viewer may not know what was done there, nor by whom.
    """

    focus: str
    nodes: dict[str, Node] = field(default_factory=dict)
    steps: dict[str, Step | None] = field(default_factory=dict)
    members: dict[int, str] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    makes: list[tuple[str, str]] = field(default_factory=list)  # step, node
    revisions: list[tuple[str, str]] = field(default_factory=list)  # a later edit, what was made
    cut: bool = False

    def stale(self) -> set[str]:
        """Steps that rest on an outdated source, their own or one further up."""
        makers: dict[str, list[str]] = {}
        for step, node in self.makes:
            makers.setdefault(node, []).append(step)
        for later, made in self.revisions:
            makers.setdefault(later, []).extend(makers.get(made, ()))
        takers: dict[str, set[str]] = {}
        for use in self.uses:
            for maker in makers.get(use.node, ()):
                takers.setdefault(maker, set()).add(use.step)
        found: set[str] = set()
        waiting = [use.step for use in self.uses if use.is_outdated]
        while waiting:
            step = waiting.pop()
            if step not in found:
                found.add(step)
                waiting.extend(takers.get(step, ()))
        return found


def lineage_of(
    viewer: Viewer,
    repository: Repository,
    *,
    direction: Direction,
    depth: int = DEEPEST,
    most: int = MOST,
) -> Lineage:
    """What its head was made from, or all that was made from any of its commits."""
    focus = Node(
        key=f"{repository.pk}-{repository.head_sha[:12]}",
        kind=repository.type,
        repository_id=repository.pk,
        name=repository.full_name,
        commit=repository.head_sha,
    )
    graph = Lineage(focus=focus.key, nodes={focus.key: focus})
    walk = _Walk(viewer, graph)
    if direction == "from":
        reached = walk.makers([_Wanted(repository.pk, repository.head_sha)])
    else:
        reached = [wanted.by for wanted in _uses([repository.pk])]
    for _ in range(max(1, min(depth, DEEPEST))):
        fresh = walk.room_for(reached, most)
        if not fresh:
            break
        edges = walk.add(fresh)
        reached = walk.before(edges) if direction == "from" else walk.after(edges)
    graph.cut = graph.cut or any(one not in walk.known for one in reached)
    graph.revisions = walk.revisions()
    graph.members = _members(graph.steps.values())
    return graph


class _Row(NamedTuple):
    """An edge with its repository as it is now, if it is there and may be known."""

    activity: str
    is_input: bool
    role: str
    repository: int | None
    kind: str
    old_name: str
    commit: str
    was_public: bool
    outdated: bool
    name: str | None  # None: gone
    is_seen: bool

    @property
    def is_named(self) -> bool:
        return bool(self.was_public if self.name is None else self.is_seen)


class _Wanted(NamedTuple):
    """A commit whose maker is looked for, and the activity by which it was there."""

    repository: int
    commit: str
    by: str = ""  # none: it is there now


@dataclass(slots=True)
class _Walk:
    """A walk under way: which activities are in the graph, and under which keys."""

    viewer: Viewer
    graph: Lineage
    known: dict[str, str] = field(default_factory=dict)  # activity → step in the graph
    _keys: dict[tuple[int | None, str], str] = field(default_factory=dict)
    _made_by: dict[_Wanted, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        focus = self.graph.nodes[self.graph.focus]
        self._keys[focus.repository_id, focus.commit] = focus.key

    def room_for(self, reached: Iterable[str], most: int) -> list[str]:
        fresh = [one for one in dict.fromkeys(reached) if one not in self.known]
        room = most - len(self.known)
        if len(fresh) > room:
            self.graph.cut = True
        return fresh[:room]

    def add(self, activities: list[str]) -> list[_Row]:
        """Put activities and their commits into the graph; the edges that may be followed."""
        found = _steps(activities)
        edges: dict[str, list[_Row]] = {one: [] for one in activities}
        for row in _edges(self.viewer, activities):
            edges[row.activity].append(row)
        followed: list[_Row] = []
        for one in activities:
            is_known = self._may_know(found[one], edges[one])
            step = one if is_known else f"private-{len(self.known) + 1}"
            self.known[one] = step
            self.graph.steps[step] = found[one] if is_known else None
            followed += [row for row in edges[one] if self._connect(step, row, is_known=is_known)]
        return followed

    def before(self, edges: list[_Row]) -> list[str]:
        """Who made what these inputs are."""
        return self.makers(
            [
                _Wanted(row.repository, row.commit, row.activity)
                for row in edges
                if row.is_input and row.repository is not None
            ]
        )

    def after(self, edges: list[_Row]) -> list[str]:
        """Who used what came out here, and not another run's output of the same name."""
        made = [row for row in edges if not row.is_input]
        here = {row.activity for row in made}
        uses = _uses({row.repository for row in made if row.repository is not None})
        self.makers(uses)
        return [wanted.by for wanted in uses if self._made_by.get(wanted) in here]

    def makers(self, wanted: list[_Wanted]) -> list[str]:
        found = _maker_of_each(wanted)
        self._made_by |= found
        return list(dict.fromkeys(found.values()))

    def revisions(self) -> list[tuple[str, str]]:
        """Commits that were used, and the output which they are a later edit of."""
        outputs = {
            (step, self.graph.nodes[key].repository_id): key for step, key in self.graph.makes
        }
        found = set()
        for wanted, maker in self._made_by.items():
            later = self._keys.get((wanted.repository, wanted.commit))
            made = outputs.get((self.known.get(maker, ""), wanted.repository))
            if later and made and later != made:
                found.add((later, made))
        return sorted(found)

    def _may_know(self, activity: Step, edges: list[_Row]) -> bool:
        viewer = self.viewer
        if viewer.is_admin and not viewer.scoped_token:
            return True
        is_own = viewer.user_id is not None and viewer.user_id == activity.user_id
        if is_own and not viewer.scoped_token:
            return True
        outputs = [row for row in edges if not row.is_input]
        return all(row.is_named for row in outputs or edges)

    def _connect(self, step: str, row: _Row, *, is_known: bool) -> bool:
        """Whether the walk may go on from this edge's commit."""
        if row.is_input and not is_known and not self._is_way_here(row):
            return False
        node = self._node(row)
        if row.is_input:
            role = row.role if is_known else ""
            self.graph.uses.append(Use(node.key, step, role, bool(row.outdated)))
        else:
            self.graph.makes.append((step, node.key))
        return bool(node.name)

    def _is_way_here(self, row: _Row) -> bool:
        """What else goes into a private step is nobody's business."""
        focus = self.graph.nodes[self.graph.focus]
        return row.repository == focus.repository_id or (row.repository, row.commit) in self._keys

    def _node(self, row: _Row) -> Node:
        place = (row.repository, row.commit)
        known = self._keys.get(place)
        if known is not None:
            return self.graph.nodes[known]
        if row.is_named:
            key = f"{row.repository}-{row.commit[:12]}"
            node = Node(
                key=key,
                kind=row.kind,
                repository_id=row.repository,
                name=row.name or row.old_name,
                commit=row.commit,
                is_gone=row.name is None,
            )
        else:
            key = f"hidden-{len(self._keys) + 1}"
            node = Node(key=key, kind=row.kind, is_gone=row.name is None)
        self._keys[place] = key
        self.graph.nodes[key] = node
        return node


def _steps(ids: list[str]) -> dict[str, Step]:
    rows = db.rows(
        "SELECT id, activity, user_id, recipe_hash, software_hash, seed, hardware, cost, "
        f"started_at, ended_at FROM {Activity._meta.db_table} WHERE id IN ({db.marks(ids)})",
        ids,
    )
    return {row[0]: _step(*row) for row in rows}


def _step(
    one: str,
    activity: str,
    user_id: int | None,
    recipe: str,
    software: str,
    seed: int,
    hardware: str,
    cost: str,
    started: datetime,
    ended: datetime,
) -> Step:
    return Step(
        one,
        activity,
        user_id,
        recipe,
        software,
        seed,
        loads(hardware),
        loads(cost),
        _moment(started),
        _moment(ended),
    )


def _edges(viewer: Viewer, activities: list[str]) -> list[_Row]:
    condition, params = visible_sql(viewer, "r")
    rows = db.rows(
        "SELECT e.activity_id, e.is_input, e.role, e.repository_id, e.kind, e.full_name, "
        'e."commit", e.was_public, e.outdated_since IS NOT NULL OR r.id IS NULL, r.full_name, '
        f"CASE WHEN r.id IS NOT NULL AND {condition} THEN 1 ELSE 0 END "
        f"FROM {Edge._meta.db_table} e "
        f"LEFT JOIN {Repository._meta.db_table} r ON r.id = e.repository_id "
        f"WHERE e.activity_id IN ({db.marks(activities)}) ORDER BY e.id",
        [*params, *activities],
    )
    return [_Row(*row) for row in rows]


def _uses(repositories: Collection[int]) -> list[_Wanted]:
    """Commits of these that were used, newest use first."""
    rows = _touching(repositories, is_input=True, limit=MOST + 1)
    return [_Wanted(repository, commit, activity) for repository, commit, activity in rows]


def _maker_of_each(wanted: list[_Wanted]) -> dict[_Wanted, str]:
    """The activity that made each commit, where one did."""
    exact: dict[tuple[int, str], str] = {}
    made: dict[int, list[str]] = {}
    repositories = {one.repository for one in wanted}
    for repository, commit, activity in _touching(repositories, is_input=False, limit=_MOST_MAKERS):
        exact.setdefault((repository, commit), activity)
        made.setdefault(repository, []).append(activity)
    found = {one: maker for one in wanted if (maker := exact.get((one.repository, one.commit)))}
    later = [one for one in wanted if one not in found and one.repository in made]
    return found | _last_makers(later, made)


def _last_makers(wanted: list[_Wanted], made: dict[int, list[str]]) -> dict[_Wanted, str]:
    """For commits that no activity made: the newest that had ended when the user of it began."""
    makers = {activity for one in wanted for activity in made[one.repository]}
    times = _times({one.by for one in wanted if one.by} | makers)
    found: dict[_Wanted, str] = {}
    for one in wanted:
        for activity in made[one.repository]:
            if not one.by or times[activity][1] <= times[one.by][0]:
                found[one] = activity
                break
    return found


def _touching(
    repositories: Collection[int], *, is_input: bool, limit: int
) -> list[tuple[int, str, str]]:
    """Repository, commit and activity of the newest edges."""
    if not repositories:
        return []
    return db.rows(
        f'SELECT repository_id, "commit", activity_id FROM {Edge._meta.db_table} '
        f"WHERE repository_id IN ({db.marks(repositories)}) AND is_input = %s "
        "ORDER BY id DESC LIMIT %s",
        [*repositories, is_input, limit],
    )


def _times(activities: set[str]) -> dict[str, tuple[datetime, datetime]]:
    if not activities:
        return {}
    rows = db.rows(
        f"SELECT id, started_at, ended_at FROM {Activity._meta.db_table} "
        f"WHERE id IN ({db.marks(activities)})",
        list(activities),
    )
    return {one: (_moment(started), _moment(ended)) for one, started, ended in rows}


def _moment(value: datetime) -> datetime:
    """SQLite's own times have no zone, and are UTC."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _members(activities: Iterable[Step | None]) -> dict[int, str]:
    wanted = {one.user_id for one in activities if one is not None and one.user_id is not None}
    return dict(User.objects.filter(pk__in=wanted).values_list("pk", "username"))
