"""Reading boards: who stands where, for pages and machine answers alike.

A board is read in two statements, however long it is, and ranked in memory.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.evaluation.access import visible_results_sql
from llmos.evaluation.models import Board, Claim, Result
from llmos.evaluation.ranking import Places, Score, place_among, places
from llmos.evaluation.wishes import CLAIMED, ROWS_A_PAGE, RUN_HERE, SIZES, Wish
from llmos.hub.access import visible_sql
from llmos.hub.models import Repository, RepositoryTag, Visibility
from llmos.provenance.access import seen
from llmos.store import db
from llmos.wire.receipts import SAMPLES

BOARDS_A_PAGE = 50
MOST_BOARDS = 200  # of one task on one page


@dataclass(slots=True)
class Row:
    """A score on a board. A claim has no interval, no cost, and takes nobody's place."""

    state: str
    id: str
    board_id: int
    model_id: int
    model: str
    is_private: bool
    commit: str
    parameters: int | None
    value: float
    at_text: str
    filename: str  # of the samples, or where a claim stands
    low: float | None = None
    high: float | None = None
    cpu_seconds: float | None = None
    energy_wh: float | None = None
    samples: int = 0
    notes: str = ""
    source_url: str = ""
    places: Places | None = None
    standing: float | None = None  # share of the others on its board that are not surely better

    @property
    def score(self) -> Score:
        return Score(self.value, self.low, self.high)

    @property
    def url(self) -> str:
        """Where a reader finds out how the number came about."""
        if self.is_measured:
            return f"/results/{self.id}"
        return f"/{self.model}/blob/main/{self.filename}"

    @property
    def is_measured(self) -> bool:
        return self.state == RUN_HERE

    @property
    def at(self) -> datetime:
        """Read when it is asked for: a page shows few of a long board's rows."""
        found = datetime.fromisoformat(self.at_text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    @property
    def cost_per_sample(self) -> float | None:
        if self.cpu_seconds is None or not self.samples:
            return None
        return self.cpu_seconds / self.samples


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as wished, one page of them; `count` is how many fit, `total` how many there are."""

    rows: list[Row]
    shown: list[Row]
    count: int
    total: int
    pages: int


@dataclass(slots=True)
class BoardRow:
    """A board in a list: how many models the viewer sees on it, and the best score."""

    board: Board
    models: int = 0
    best: float | None = None


@dataclass(slots=True)
class Scores:
    """What a model's page shows."""

    results: list[Result] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)


def boards(
    viewer: Viewer, *, task: str = "", text: str = "", limit: int = BOARDS_A_PAGE, start: int = 0
) -> tuple[list[BoardRow], int]:
    """Current boards that the viewer may know of, most measured first, and how many there are."""
    visible, params = visible_sql(viewer, "q")
    joins, condition, result_params = visible_results_sql(viewer)
    where = f"p.is_current AND {visible}"
    filters: list[Any] = list(params)
    if task:
        where, filters = f"{where} AND p.task = %s", [*filters, task]
    if text:
        where += " AND (LOWER(p.name) LIKE %s OR q.key LIKE %s)"
        filters += [f"%{text.casefold()}%"] * 2
    found = db.rows(
        f"SELECT {db.columns(Board, 'p')}, "
        "(SELECT COUNT(DISTINCT x.model_id) FROM evaluation_result x "
        f"{joins} WHERE x.board_id = p.id AND {condition}) AS models "
        "FROM evaluation_board p JOIN hub_repository q ON q.id = p.repository_id "
        f"WHERE {where} ORDER BY models DESC, p.opened_at DESC, p.id DESC LIMIT %s OFFSET %s",
        [*result_params, *filters, limit, start],
    )
    count = db.row(
        "SELECT COUNT(*) FROM evaluation_board p JOIN hub_repository q ON q.id = p.repository_id "
        f"WHERE {where}",
        filters,
    )
    rows = [BoardRow(db.instance(Board, row[:-1]), int(row[-1])) for row in found]
    _with_repositories([row.board for row in rows])
    _with_best(viewer, rows)
    return rows, int(count[0]) if count else 0


def tasks_measured(viewer: Viewer) -> list[tuple[str, int]]:
    """Tasks that current boards have, with how many boards each."""
    visible, params = visible_sql(viewer, "b")
    found = db.rows(
        "SELECT o.task, COUNT(*) FROM evaluation_board o "
        "JOIN hub_repository b ON b.id = o.repository_id "
        f"WHERE o.is_current AND {visible} GROUP BY o.task ORDER BY o.task",
        params,
    )
    return [(task, int(count)) for task, count in found]


def boards_of_task(viewer: Viewer, task: str) -> list[Board]:
    """Current boards of a task, oldest first."""
    visible, params = visible_sql(viewer, "b")
    found = db.rows(
        f"SELECT {db.columns(Board, 'o')} FROM evaluation_board o "
        "JOIN hub_repository b ON b.id = o.repository_id "
        f"WHERE o.is_current AND o.task = %s AND {visible} ORDER BY o.opened_at, o.id LIMIT %s",
        [task, *params, MOST_BOARDS],
    )
    known = [db.instance(Board, row) for row in found]
    _with_repositories(known)
    return known


def versions_of(board: Board) -> list[Board]:
    """All boards of the same benchmark, newest first."""
    found = list(
        Board.objects.filter(repository_id=board.repository_id).order_by("-opened_at", "-pk")
    )
    for one in found:
        one.repository = board.repository
    return found


def current_board(repository: Repository) -> Board | None:
    found = Board.objects.filter(repository=repository, is_current=True).first()
    if found is not None:
        found.repository = repository
    return found


def rows_of(viewer: Viewer, boards: Sequence[Board], *, every_commit: bool = False) -> list[Row]:
    """Everything on these boards, ranked board by board.

    Of several runs of one commit the newest counts, not the best: nobody gains by rolling the
    dice again. Of several commits of a model the one measured last counts, or every commit.
    """
    if not boards:
        return []
    measured = _newest(_measured(viewer, boards), every_commit=every_commit)
    claimed = _claimed(viewer, boards)
    for board in boards:
        here = [row for row in measured if row.board_id == board.pk]
        scores = [row.score for row in here]
        found = places(scores, higher_is_better=board.higher_is_better)
        for row, (first, last) in zip(here, found, strict=True):
            row.places = (first, last)
            row.standing = (len(here) - first) / (len(here) - 1) if len(here) > 1 else None
    return measured + claimed


def table(rows: Iterable[Row], boards: Sequence[Board], wish: Wish) -> Table:
    """Filter, sort and page rows that `rows_of` has ranked."""
    every = list(rows)
    fitting = [row for row in every if _fits(row, wish)]
    by_id = {board.pk: board for board in boards}
    ordered = _sorted(fitting, by_id, wish)
    pages = max(1, -(-len(ordered) // ROWS_A_PAGE))
    start = (min(wish.page, pages) - 1) * ROWS_A_PAGE
    return Table(ordered, ordered[start : start + ROWS_A_PAGE], len(ordered), len(every), pages)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as hub clients read it: with one place, and with its author."""

    rank: int
    row: Row
    author: Namespace


def entries(viewer: Viewer, board: Board, *, bases_only: bool) -> list[Entry]:
    """A board, best first. A claim stands where it would if it were true, and moves nobody."""
    rows = rows_of(viewer, [board])
    better = board.higher_is_better
    measured = [row.score for row in rows if row.is_measured]
    derived = _derived({row.model_id for row in rows}) if bases_only else set()
    authors = _authors(rows)
    found = [
        Entry(
            row.places[0]
            if row.places
            else place_among(row.score, measured, higher_is_better=better),
            row,
            authors[row.model.partition("/")[0].casefold()],
        )
        for row in rows
        if row.model_id not in derived
    ]
    sign = -1 if better else 1
    return sorted(found, key=lambda one: (one.rank, sign * one.row.value, one.row.model))


def _derived(models: set[int]) -> set[int]:
    """Those that name a model they come from."""
    tags = RepositoryTag.objects.filter(repository__in=models, tag__startswith="base_model:")
    return set(tags.values_list("repository_id", flat=True))


def _authors(rows: Iterable[Row]) -> dict[str, Namespace]:
    keys = {row.model.partition("/")[0].casefold() for row in rows}
    return {one.key: one for one in Namespace.objects.filter(key__in=keys)}


def scores_of(viewer: Viewer, repository: Repository, *, limit: int = 50) -> Scores:
    """Results and claims of a model that the viewer sees already; the newest on each board."""
    newest: dict[tuple[Any, ...], Result] = {}
    for result in results_of(viewer, repository):
        newest.setdefault((result.board_id, result.data_name, result.metric), result)
    claims = Claim.objects.filter(model=repository).select_related("board__repository")
    found = list(claims.order_by("dataset_key", "pk")[:limit])
    shown = seen(viewer, [one.board.repository_id for one in found if one.board])
    for claim in found:
        if claim.board and claim.board.repository_id not in shown:
            claim.board = None
    return Scores(list(newest.values())[:limit], found)


def results_of(viewer: Viewer, model: Repository, *, limit: int = 200) -> list[Result]:
    """Every result of a model that the viewer sees already, newest first."""
    joins, condition, params = visible_results_sql(viewer)
    found = db.rows(
        f"SELECT x.id FROM evaluation_result x {joins} "
        f"WHERE x.model_id = %s AND {condition} ORDER BY x.at DESC, x.id DESC LIMIT %s",
        [model.pk, *params, limit],
    )
    related = Result.objects.select_related("board__repository", "data", "user")
    known = related.in_bulk([row[0] for row in found])
    for result in known.values():
        result.model = model
    return [known[pk] for (pk,) in found]


def _measured(viewer: Viewer, boards: Sequence[Board]) -> list[Row]:
    """Newest first."""
    joins, condition, params = visible_results_sql(viewer)
    found = db.rows(
        "SELECT x.id, x.board_id, x.model_id, r.full_name, r.visibility, x.model_commit, "
        "x.parameters, x.value, CAST(x.at AS TEXT), x.low, x.high, x.cpu_seconds, x.energy_wh, "
        f"x.samples FROM evaluation_result x {joins} "
        f"WHERE x.board_id IN ({db.marks(boards)}) AND {condition} ORDER BY x.at DESC, x.id DESC",
        [*(board.pk for board in boards), *params],
    )
    return [
        Row(
            state=RUN_HERE,
            id=row[0],
            board_id=row[1],
            model_id=row[2],
            model=row[3],
            is_private=row[4] == Visibility.PRIVATE,
            commit=row[5],
            parameters=row[6],
            value=row[7],
            at_text=row[8],
            filename=SAMPLES,
            low=row[9],
            high=row[10],
            cpu_seconds=row[11],
            energy_wh=row[12],
            samples=row[13],
        )
        for row in found
    ]


def _claimed(viewer: Viewer, boards: Sequence[Board]) -> list[Row]:
    visible, params = visible_sql(viewer, "r")
    found = db.rows(
        "SELECT c.id, c.board_id, c.model_id, r.full_name, r.visibility, r.parameters, c.value, "
        "CAST(c.first_seen AS TEXT), c.filename, c.notes, c.source_url "
        "FROM evaluation_claim c JOIN hub_repository r ON r.id = c.model_id "
        f"WHERE c.board_id IN ({db.marks(boards)}) AND {visible} ORDER BY c.id",
        [*(board.pk for board in boards), *params],
    )
    return [
        Row(
            state=CLAIMED,
            id=f"claim-{row[0]}",
            board_id=row[1],
            model_id=row[2],
            model=row[3],
            is_private=row[4] == Visibility.PRIVATE,
            commit="",
            parameters=row[5],
            value=row[6],
            at_text=row[7],
            filename=row[8],
            notes=row[9],
            source_url=row[10],
        )
        for row in found
    ]


def _newest(rows: Iterable[Row], *, every_commit: bool) -> list[Row]:
    seen: set[tuple[int, int, str]] = set()
    kept = []
    for row in rows:
        key = (row.board_id, row.model_id, row.commit if every_commit else "")
        if key not in seen:
            seen.add(key)
            kept.append(row)
    return kept


def _fits(row: Row, wish: Wish) -> bool:
    if wish.state and row.state != wish.state:
        return False
    if wish.text and wish.text.casefold() not in row.model.casefold():
        return False
    if wish.size:
        at_least, below = SIZES[wish.size]
        return row.parameters is not None and at_least <= row.parameters < below
    return True


def _sorted(rows: list[Row], boards: dict[int, Board], wish: Wish) -> list[Row]:
    """By the wished column; what has no value there comes last either way, best scores first."""

    def goodness(row: Row) -> float:
        return row.value if boards[row.board_id].higher_is_better else -row.value

    def by_column(row: Row) -> Any:
        match wish.sort:
            case "model":
                return row.model.casefold()
            case "benchmark":
                return boards[row.board_id].name.casefold()
            case "state":
                return not row.is_measured
            case "cost":
                return row.cpu_seconds
            case "energy":
                return row.energy_wh
            case "size":
                return row.parameters
            case "date":
                return row.at_text
            case "place" if row.places is None:
                return None
            case "place" if len(boards) > 1:
                return None if row.standing is None else -row.standing
            case "place":
                return -goodness(row)
            case _:
                return row.value

    best_first = sorted(rows, key=lambda row: (-goodness(row), not row.is_measured, row.model))
    keyed = [(by_column(row), row) for row in best_first]
    told = sorted(
        (pair for pair in keyed if pair[0] is not None),
        key=lambda pair: pair[0],
        reverse=wish.descending,
    )
    return [row for _, row in told] + [row for key, row in keyed if key is None]


def _with_repositories(found: Sequence[Board]) -> None:
    known = Repository.objects.in_bulk({board.repository_id for board in found})
    for board in found:
        board.repository = known[board.repository_id]


def _with_best(viewer: Viewer, rows: Sequence[BoardRow]) -> None:
    if not rows:
        return
    boards = [row.board for row in rows]
    joins, condition, params = visible_results_sql(viewer)
    found = db.rows(
        "SELECT x.board_id, MAX(x.value), MIN(x.value) FROM evaluation_result x "
        f"{joins} WHERE x.board_id IN ({db.marks(boards)}) AND {condition} GROUP BY x.board_id",
        [*(board.pk for board in boards), *params],
    )
    ends = {board_id: (most, least) for board_id, most, least in found}
    for row in rows:
        if row.board.pk in ends:
            most, least = ends[row.board.pk]
            row.best = most if row.board.higher_is_better else least
