"""Walking lineage: commits and the activities between them, as far as a viewer may know.

A use is traced to the activity that made the very commit, or to the last one before it where
the commit is a later edit. Each level of the walk is a fixed number of indexed reads. What the
viewer may not know stands nameless, and nothing is told of what lies beyond it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

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
# What an activity's own page shows, and a walk over a thousand of them does not need.
_LARGE = ("recipe", "arguments", "software", "files")


@dataclass(frozen=True, slots=True)
class Node:
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
    steps: dict[str, Activity | None] = field(default_factory=dict)
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
        reached = walk.makers([_Wanted(repository.pk, repository.head_sha, None)])
    else:
        reached = [use.activity for use in _users([repository.pk])]
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
    """A commit whose maker is looked for; the moment by which it was there, None for now."""

    repository: int
    commit: str
    by: Any


class _Used(NamedTuple):
    activity: str
    wanted: _Wanted


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
        found = _activities(activities)
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
                _Wanted(row.repository, row.commit, self._started(row.activity))
                for row in edges
                if row.is_input and row.repository is not None
            ]
        )

    def after(self, edges: list[_Row]) -> list[str]:
        """Who used what came out here, and not another run's output of the same name."""
        made = [row for row in edges if not row.is_input and row.repository is not None]
        here = {row.activity for row in made}
        users = _users({row.repository for row in made if row.repository is not None})
        self.makers([use.wanted for use in users])
        return [use.activity for use in users if self._made_by.get(use.wanted) in here]

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

    def _may_know(self, activity: Activity, edges: list[_Row]) -> bool:
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

    def _started(self, activity: str) -> Any:
        found = self.graph.steps[self.known[activity]]
        return found.started_at if found is not None else None


def _activities(ids: list[str]) -> dict[str, Activity]:
    rows = db.rows(
        f"SELECT {db.columns(Activity, 'a', without=_LARGE)} FROM {Activity._meta.db_table} a "
        f"WHERE a.id IN ({_marks(ids)})",
        ids,
    )
    found = (db.instance(Activity, row, without=_LARGE) for row in rows)
    return {one.pk: one for one in found}


def _edges(viewer: Viewer, activities: list[str]) -> list[_Row]:
    condition, params = visible_sql(viewer, "r")
    rows = db.rows(
        "SELECT e.activity_id, e.is_input, e.role, e.repository_id, e.kind, e.full_name, "
        'e."commit", e.was_public, e.outdated_since IS NOT NULL OR r.id IS NULL, r.full_name, '
        f"CASE WHEN r.id IS NOT NULL AND {condition} THEN 1 ELSE 0 END "
        f"FROM {Edge._meta.db_table} e "
        f"LEFT JOIN {Repository._meta.db_table} r ON r.id = e.repository_id "
        f"WHERE e.activity_id IN ({_marks(activities)}) ORDER BY e.id",
        [*params, *activities],
    )
    return [_Row(*row) for row in rows]


def _users(repositories: Collection[int]) -> list[_Used]:
    """Who used these, newest first."""
    if not repositories:
        return []
    rows = db.rows(
        'SELECT e.activity_id, e.repository_id, e."commit", a.started_at '
        f"FROM {Edge._meta.db_table} e JOIN {Activity._meta.db_table} a ON a.id = e.activity_id "
        f"WHERE e.repository_id IN ({_marks(repositories)}) AND e.is_input = %s "
        "ORDER BY e.id DESC LIMIT %s",
        [*repositories, True, MOST + 1],
    )
    return [_Used(activity, _Wanted(*rest)) for activity, *rest in rows]


def _maker_of_each(wanted: list[_Wanted]) -> dict[_Wanted, str]:
    """The activity that made each commit, where one did."""
    repositories = {one.repository for one in wanted}
    if not repositories:
        return {}
    exact: dict[tuple[int, str], str] = {}
    made: dict[int, list[tuple[str, Any]]] = {}
    rows = db.rows(
        'SELECT e.repository_id, e.activity_id, e."commit", a.ended_at '
        f"FROM {Edge._meta.db_table} e JOIN {Activity._meta.db_table} a ON a.id = e.activity_id "
        f"WHERE e.repository_id IN ({_marks(repositories)}) AND e.is_input = %s "
        "ORDER BY e.id DESC LIMIT %s",
        [*repositories, False, _MOST_MAKERS],
    )
    for repository, activity, commit, ended in rows:
        exact.setdefault((repository, commit), activity)
        made.setdefault(repository, []).append((activity, ended))
    found: dict[_Wanted, str] = {}
    for one in wanted:
        maker = exact.get((one.repository, one.commit)) or _last_before(
            one.by, made.get(one.repository, [])
        )
        if maker is not None:
            found[one] = maker
    return found


def _last_before(moment: Any, made: list[tuple[str, Any]]) -> str | None:
    """Of what is listed newest first."""
    return next((activity for activity, ended in made if moment is None or ended <= moment), None)


def _members(activities: Iterable[Activity | None]) -> dict[int, str]:
    wanted = {one.user_id for one in activities if one is not None and one.user_id is not None}
    return dict(User.objects.filter(pk__in=wanted).values_list("pk", "username"))


def _marks(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))
