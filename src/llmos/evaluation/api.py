"""Evaluation for machines: boards, results, receipts, and asking for a run."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from llmos.accounts.access import Viewer, viewer_of
from llmos.evaluation.access import board_for, check_samples, result_for, result_of_receipt
from llmos.evaluation.actions import file_evaluation
from llmos.evaluation.models import Board, Claim, Result
from llmos.evaluation.queries import (
    Entry,
    Row,
    boards,
    boards_of_task,
    entries,
    results_of,
    rows_of,
    scores_of,
    table,
    versions_of,
)
from llmos.evaluation.samples import samples_path
from llmos.evaluation.wishes import Wish, wish_from
from llmos.hub.access import repo_for
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.jobs.models import Job
from llmos.kit.errors import Invalid, Unauthenticated
from llmos.kit.time import iso
from llmos.provenance.access import receipt_for
from llmos.store.http import base_url, blocking, json_of, reply
from llmos.wire.receipts import SAMPLES

MOST_BOARDS = 200


@blocking
def list_benchmarks(request: Request, body: bytes) -> Response:
    """Current boards, by `task` and text `q`, most measured first."""
    query = request.query_params
    found, _count = boards(
        viewer_of(request), task=query.get("task", ""), text=query.get("q", ""), limit=MOST_BOARDS
    )
    shown = [
        {**_board(one.board, base_url(request)), "models": one.models, "best": one.best}
        for one in found
    ]
    return reply(shown)


@blocking
def show_board(request: Request, body: bytes) -> Response:
    """A board with its definition, its rows and the benchmark's other versions."""
    viewer, wish = viewer_of(request), wish_from(request.query_params)
    board = board_for(viewer, _named(request), wish.board)
    rows = _rows(viewer, [board], wish)
    return reply(
        {
            **_board(board, base_url(request)),
            "definition": board.definition,
            "versions": [_board(one, base_url(request)) for one in versions_of(board)],
            "rows": [_row(row, board, base_url(request)) for row in rows],
        }
    )


@blocking
def show_board_csv(request: Request, body: bytes) -> Response:
    """The rows of a board as CSV."""
    viewer, wish = viewer_of(request), wish_from(request.query_params)
    board = board_for(viewer, _named(request), wish.board)
    return _as_csv(request, _rows(viewer, [board], wish), [board])


@blocking
def show_task(request: Request, body: bytes) -> Response:
    """All rows of the current boards of a task."""
    viewer = viewer_of(request)
    found = boards_of_task(viewer, request.path_params["task"])
    by_id = {board.pk: board for board in found}
    rows = _rows(viewer, found, wish_from(request.query_params))
    return reply(
        {
            "task": request.path_params["task"],
            "benchmarks": [_board(board, base_url(request)) for board in found],
            "rows": [_row(row, by_id[row.board_id], base_url(request)) for row in rows],
        }
    )


@blocking
def show_task_csv(request: Request, body: bytes) -> Response:
    """All rows of the current boards of a task as CSV."""
    viewer = viewer_of(request)
    found = boards_of_task(viewer, request.path_params["task"])
    return _as_csv(request, _rows(viewer, found, wish_from(request.query_params)), found)


@blocking
def show_leaderboard(request: Request, body: bytes) -> Response:
    """A benchmark's current board in the words of hub clients; without `base_model=false`
    only models that name no base.
    """
    bases_only = request.query_params.get("base_model", "true").lower() not in {"false", "0"}
    viewer = viewer_of(request)
    board = board_for(viewer, _named(request))
    base = base_url(request)
    found = entries(viewer, board, bases_only=bases_only)
    return reply([_entry(one, base) for one in found])


@blocking
def create(request: Request, body: bytes) -> Response:
    """Ask for a score: `{"model", "benchmark"}`, or `{"model", "data", "settings"}`, each
    repository as `name/repo[@revision]`; also `namespace` and `seed`. Answers with the job.
    """
    viewer = viewer_of(request)
    if viewer.is_anonymous:
        raise Unauthenticated("Sign in to evaluate models")
    wish = json_of(body)
    settings, seed = wish.get("settings") or {}, wish.get("seed", 1)
    if not isinstance(settings, dict):
        raise Invalid("settings is an object with what an eval.yaml says: task, columns, metrics …")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise Invalid("seed is a whole number")
    texts = {name: wish.get(name) or "" for name in ("model", "benchmark", "data", "namespace")}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise Invalid(f"{name} is a text like name/repo@revision")
    job = file_evaluation(viewer=viewer, settings=settings, seed=seed, **texts)
    return reply(_filed(job, base_url(request)), status=201)


@blocking
def list_results(request: Request, body: bytes) -> Response:
    """Every result of a model, newest first."""
    viewer = viewer_of(request)
    model = repo_for(viewer, KINDS["model"], _named(request), wants="see")
    return reply([_result(one, base_url(request)) for one in results_of(viewer, model)])


@blocking
def show_result(request: Request, body: bytes) -> Response:
    """A result with its metrics, its cost and the digest of its receipt."""
    return reply(
        _result(result_for(viewer_of(request), request.path_params["id"]), base_url(request))
    )


@blocking
def show_samples(request: Request, body: bytes) -> Response:
    """What the model was asked and answered, one JSON object per line, as it was signed."""
    viewer = viewer_of(request)
    result = result_for(viewer, request.path_params["id"])
    check_samples(viewer, result)
    return FileResponse(
        samples_path(result.pk), media_type="application/x-ndjson", filename="samples.jsonl"
    )


@blocking
def show_receipt(request: Request, body: bytes) -> Response:
    """A signed receipt: a DSSE envelope with an in-toto statement."""
    viewer, digest = viewer_of(request), request.path_params["digest"]
    result = result_of_receipt(viewer, digest)
    receipt = result.receipt if result else receipt_for(viewer, digest)
    return Response(
        bytes(receipt.envelope),
        media_type="application/json",
        headers={"Content-Disposition": f'inline; filename="receipt-{digest[:12]}.json"'},
    )


def eval_results(viewer: Viewer, repository: Repository, base: str) -> list[dict[str, Any]]:
    """A model's `evalResults`, as hub clients read them: the measured ones first."""
    found = scores_of(viewer, repository)
    return [_measured_entry(one, base) for one in found.results] + [
        _claimed_entry(one) for one in found.claims
    ]


def _measured_entry(result: Result, base: str) -> dict[str, Any]:
    about = result.board.repository.full_name if result.board else _data_name(result)
    return {
        "filename": SAMPLES,
        "verified": True,
        "data": {
            "dataset": {"id": about, "task_id": result.metric, "revision": result.data_commit},
            "value": result.value,
            "verifyToken": result.receipt_id,
            "date": iso(result.at),
            "source": {"url": base + result.url, "name": "this hub"},
            "notes": result.board.label if result.board else None,
        },
    }


def _claimed_entry(claim: Claim) -> dict[str, Any]:
    data: dict[str, Any] = {
        "dataset": {"id": claim.dataset, "task_id": claim.task or claim.metric or "default"},
        "value": claim.value,
        "notes": claim.notes or None,
    }
    if claim.revision:
        data["dataset"]["revision"] = claim.revision
    if claim.stated_on:
        data["date"] = claim.stated_on
    if claim.source_url:
        data["source"] = {"url": claim.source_url, "name": claim.source_name or claim.source_url}
    return {"filename": claim.filename, "verified": False, "data": data}


def _data_name(result: Result) -> str:
    return result.data.full_name if result.data else result.data_name


def _named(request: Request) -> str:
    return f"{request.path_params['ns']}/{request.path_params['name']}"


def _rows(viewer: Viewer, found: Sequence[Board], wish: Wish) -> list[Row]:
    rows = rows_of(viewer, found, every_commit=wish.every_commit)
    return table(rows, found, wish).rows


def _board(board: Board, base: str) -> dict[str, Any]:
    return {
        "benchmark": board.repository.full_name,
        "name": board.name,
        "version": board.version,
        "digest": board.digest,
        "commit": board.commit,
        "current": board.is_current,
        "task": board.task,
        "metric": board.metric,
        "higherIsBetter": board.higher_is_better,
        "openedAt": iso(board.opened_at),
        "url": base + board.url,
    }


def _row(row: Row, board: Board, base: str) -> dict[str, Any]:
    first, last = row.places or (None, None)
    return {
        "benchmark": board.repository.full_name,
        "version": board.version,
        "metric": board.metric,
        "model": row.model,
        "commit": row.commit or None,
        "state": row.state,
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "firstPlace": first,
        "lastPlace": last,
        "parameters": row.parameters,
        "cpuSeconds": row.cpu_seconds,
        "energyWh": row.energy_wh,
        "samples": row.samples or None,
        "at": iso(row.at),
        "url": base + row.url,
    }


def _as_csv(request: Request, rows: Sequence[Row], found: Sequence[Board]) -> Response:
    by_id = {board.pk: board for board in found}
    content = [_row(row, by_id[row.board_id], base_url(request)) for row in rows]
    out = io.StringIO()
    names = list(content[0]) if content else ["benchmark", "model", "state", "value"]
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in one.items()} for one in content)
    return Response(out.getvalue(), media_type="text/csv")


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula is kept from it."""
    is_formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@"))
    return f"'{value}" if is_formula else value


def _entry(entry: Entry, base: str) -> dict[str, Any]:
    row, author = entry.row, entry.author
    source = {"url": base + row.url, "name": "this hub", "isExternal": False}
    if row.source_url:
        source = {"url": row.source_url, "name": row.source_url, "isExternal": True}
    return {
        "rank": entry.rank,
        "modelId": row.model,
        "value": row.value,
        "filename": row.filename,
        "verified": row.is_measured,
        "source": source,
        "author": {
            "type": author.kind,
            "name": author.name,
            "fullname": author.full_name or author.name,
            "avatarUrl": f"{base}/api/pictures/{author.name}",
        },
        "pullRequest": None,
        "notes": row.notes or None,
    }


def _result(result: Result, base: str) -> dict[str, Any]:
    board = result.board
    return {
        "id": result.pk,
        "model": {"repo": result.model.full_name, "commit": result.model_commit},
        "data": {
            "repo": _data_name(result),
            "commit": result.data_commit,
            "split": result.data_split,
        },
        "benchmark": _board(board, base) if board else None,
        "metric": result.metric,
        "value": result.value,
        "low": result.low,
        "high": result.high,
        "higherIsBetter": result.higher_is_better,
        "metrics": result.metrics,
        "parameters": result.parameters,
        "cpuSeconds": result.cpu_seconds,
        "energyWh": result.energy_wh,
        "engine": result.engine,
        "samples": result.samples,
        "receipt": f"{base}/receipts/{result.receipt_id}",
        "by": result.user.username if result.user else None,
        "at": iso(result.at),
        "url": base + result.url,
    }


def _filed(job: Job, base: str) -> dict[str, Any]:
    """The job, and where its result will be."""
    return {
        "job": job.pk,
        "namespace": job.namespace.name,
        "inputs": job.spec["inputs"],
        "url": base + job.url,
        "result": f"{base}/results/{job.pk}",
    }


_BOARD = "/api/benchmarks/{ns:seg}/{name:seg}"
routes = [
    Route("/api/benchmarks", list_benchmarks, methods=["GET"]),
    Route(_BOARD, show_board, methods=["GET"]),
    Route(f"{_BOARD}/csv", show_board_csv, methods=["GET"]),
    Route("/api/benchmark-tasks/{task:seg}", show_task, methods=["GET"]),
    Route("/api/benchmark-tasks/{task:seg}/csv", show_task_csv, methods=["GET"]),
    Route("/api/datasets/{ns:seg}/{name:seg}/leaderboard", show_leaderboard, methods=["GET"]),
    Route("/api/evaluations", create, methods=["POST"]),
    Route("/api/models/{ns:seg}/{name:seg}/results", list_results, methods=["GET"]),
    Route("/api/results/{id:seg}", show_result, methods=["GET"]),
    Route("/results/{id:seg}/samples.jsonl", show_samples, methods=["GET"]),
    Route("/receipts/{digest:seg}", show_receipt, methods=["GET"]),
]
