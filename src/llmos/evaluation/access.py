"""Which boards and results a viewer may see: those about repositories that she may see.

A private model leaves no trace on a board, not even in a count. What was asked and answered, line
by line, needs the right to read the data, since the lines are the data.
"""

from typing import Any

from llmos.accounts.access import Viewer
from llmos.evaluation.errors import BoardNotFound, ResultNotFound, SamplesNotFound
from llmos.evaluation.models import Board, Result
from llmos.hub.access import repo_for, rights_of, visible_sql
from llmos.hub.kinds import KINDS
from llmos.provenance.access import seen


def board_for(viewer: Viewer, full_name: str, digest: str = "") -> Board:
    """A board by the beginning of its digest; without one the current, else the newest.

    Raises BoardNotFound, and what `repo_for` raises.
    """
    repository = repo_for(viewer, KINDS["dataset"], full_name, wants="see")
    boards = Board.objects.filter(repository=repository)
    if digest:
        boards = boards.filter(digest__startswith=digest)
    found = boards.order_by("-is_current", "-opened_at", "-pk").first()
    if found is None:
        raise BoardNotFound
    found.repository = repository
    return found


def result_for(viewer: Viewer, result_id: str) -> Result:
    """Raises ResultNotFound."""
    found = (
        Result.objects.select_related(
            "board__repository", "model", "data", "user", "job__namespace", "receipt"
        )
        .filter(pk=result_id)
        .first()
    )
    if found is None or not may_see(viewer, found):
        raise ResultNotFound
    return found


def result_of_receipt(viewer: Viewer, digest: str) -> Result | None:
    """The result that a receipt is about, or None where it is about something else.

    Raises ResultNotFound.
    """
    found = Result.objects.filter(receipt_id=digest).values_list("pk", flat=True).first()
    return result_for(viewer, found) if found else None


def may_see(viewer: Viewer, result: Result) -> bool:
    """Whether she may know of the model, the data and the benchmark, all three."""
    if result.data_id is None and not (result.data_was_public or viewer.is_admin):
        return False
    about = [result.model_id, result.data_id, result.board.repository_id if result.board else None]
    wanted = {one for one in about if one is not None}
    return seen(viewer, wanted) == wanted


def check_samples(viewer: Viewer, result: Result) -> None:
    """Raises SamplesNotFound where the viewer may not read the rows that were asked."""
    asked = [result.data, result.board.repository if result.board else None]
    known = result.data is not None or result.data_was_public
    if not known or not all(rights_of(viewer, one).read for one in asked if one is not None):
        raise SamplesNotFound


def visible_results_sql(viewer: Viewer) -> tuple[str, str, list[Any]]:
    """Joins and a condition on rows of results, alias `x`, with its parameters.

    Alias `r` is the model, `d` the data set, `o` the board and `b` its repository.
    """
    joins = (
        "JOIN hub_repository r ON r.id = x.model_id "
        "LEFT JOIN hub_repository d ON d.id = x.data_id "
        "LEFT JOIN evaluation_board o ON o.id = x.board_id "
        "LEFT JOIN hub_repository b ON b.id = o.repository_id"
    )
    model, model_params = visible_sql(viewer, "r")
    data, data_params = visible_sql(viewer, "d")
    board, board_params = visible_sql(viewer, "b")
    condition = (
        f"{model} AND (({data}) OR (x.data_id IS NULL AND x.data_was_public)) "
        f"AND (({board}) OR x.board_id IS NULL)"
    )
    return joins, condition, [*model_params, *data_params, *board_params]
