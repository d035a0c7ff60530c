"""Opening boards, recording results with their receipts, reading claims, asking for a run."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.evaluation.claims import CARD, FOLDER, LONGEST_FILE, Stated, from_card, from_file
from llmos.evaluation.definitions import Definition, definition_at, measures, parsed
from llmos.evaluation.errors import ResultUnproven
from llmos.evaluation.events import BoardOpened, ResultRecorded
from llmos.evaluation.models import Board, Claim, Result
from llmos.evaluation.samples import samples_path
from llmos.evaluation.statements import statement_of
from llmos.hub.access import repo_for
from llmos.hub.actions import record_push
from llmos.hub.facts.cards import read_card
from llmos.hub.git import refs, repos, signoff, tree
from llmos.hub.git.draft import Draft
from llmos.hub.kinds import KINDS
from llmos.hub.models import Redirect, Repository
from llmos.hub.names import key_of
from llmos.hub.preview import preview_of
from llmos.hub.snapshots import snapshot_of
from llmos.jobs.actions import file_job
from llmos.jobs.models import Job
from llmos.kit.errors import Invalid, Refusal
from llmos.kit.time import now
from llmos.lab.benchmarks import (
    FILE,
    Benchmark,
    as_content,
    benchmark_from,
    benchmark_hash,
    columns_named,
)
from llmos.lab.errors import BadBenchmark
from llmos.provenance.actions import sign_statement
from llmos.store.events import announce
from llmos.wire.receipts import BadReceipt, check_samples

ACTIVITY = "evaluate"


@transaction.atomic
def publish(*, repository: Repository) -> Board | None:
    """Make the board that `main` defines the current one; none where it defines none, or badly.

    A version that was there before becomes current again with all its scores.
    """
    sha = refs.read_ref(repository.pk, repos.MAIN)
    try:
        definition = definition_at(repository, sha) if sha else None
    except BadBenchmark:  # the repository's page says what is wrong
        definition = None
    board = board_of(repository, definition) if definition else None
    Board.objects.filter(repository=repository, is_current=True).update(is_current=False)
    if board is not None and definition is not None:
        board.is_current = True
        board.description = definition.benchmark.description
        board.save(update_fields=["is_current", "description"])
    return board


def board_of(repository: Repository, definition: Definition) -> Board:
    """The board of a definition, opened if it is new. Call it in a transaction."""
    benchmark = definition.benchmark
    is_first = not Board.objects.filter(repository=repository).exists()
    board, is_new = Board.objects.get_or_create(
        repository=repository,
        digest=definition.digest,
        defaults={
            "commit": definition.commit,
            "name": benchmark.name[:200],
            "version": benchmark.version[:60],
            "task": benchmark.task,
            "description": benchmark.description,
            "metric": benchmark.primary,
            "higher_is_better": definition.higher_is_better,
            "definition": as_content(benchmark),
            "is_current": False,
        },
    )
    if is_new:
        if is_first:
            _adopt_claims(board)
        announce(BoardOpened(board_id=board.pk, repository_id=repository.pk))
    return board


def file_evaluation(
    *,
    viewer: Viewer,
    model: str,
    benchmark: str = "",
    data: str = "",
    settings: Mapping[str, Any] | None = None,
    namespace: str = "",
    seed: int = 1,
) -> Job:
    """Ask for a score of `ns/name[@revision]`: on a benchmark, or on a data set by `settings`.

    `settings` are what an eval.yaml says, without name and version. Raises Invalid, BadBenchmark,
    what `repo_for` raises, MayNotSpend, QueueFull.
    """
    if not model:
        raise Invalid(_("Name the model to evaluate, like name/model"))
    if bool(benchmark) == bool(data):
        raise Invalid(_("Name a benchmark, or a data set and how to measure on it; not both"))
    inputs = [{"role": "model", "kind": "model", "repo": model}]
    if benchmark:
        recipe, more = _from_benchmark(viewer, benchmark)
    else:
        recipe, more = _from_settings(settings or {}, data)
    return file_job(
        viewer=viewer,
        namespace=namespace or viewer.name,
        activity=ACTIVITY,
        inputs=[*inputs, *more],
        output=None,
        recipe=recipe,
        seed=seed,
    )


@transaction.atomic
def record_result(*, job: Job) -> Result | None:
    """Sign and keep what an evaluation found; the same job is recorded once.

    None where the model is gone. Raises ResultUnproven.
    """
    known = Result.objects.filter(pk=job.pk).first()
    if known is not None:
        return known
    said = job.result or {}
    named = {one["role"]: one for one in job.spec["inputs"]}
    model = repository_called("model", named["model"]["repo"])
    if model is None:
        return None
    board, data = _board_and_data(job, named)
    receipt = sign_statement(
        statement_of(job, board, samples_sha256=_checked_samples(job)),
        repository=model,
        job_id=job.pk,
    )
    primary = next(one for one in said["metrics"] if one["name"] == said["primary"])
    cost = job.cost or {}
    result = Result.objects.create(
        id=job.pk,
        job=job,
        board=board,
        model=model,
        model_commit=said["model"]["commit"],
        data=data,
        data_name=said["data"]["repo"],
        data_was_public=data is not None and not data.is_private,
        data_commit=said["data"]["commit"],
        data_split=said["data"].get("split", ""),
        task=said["task"],
        metric=primary["name"],
        value=primary["value"],
        low=primary.get("low"),
        high=primary.get("high"),
        higher_is_better=primary.get("higher_is_better", True),
        parameters=_parameters(model, said["model"]["commit"]),
        cpu_seconds=cost.get("cpu_seconds"),
        energy_wh=cost.get("energy_wh"),
        engine=said.get("engine", ""),
        metrics=said["metrics"],
        samples=said["samples"]["count"],
        receipt=receipt,
        user_id=job.user_id,
        at=job.ended_at or now(),
    )
    announce(ResultRecorded(result_id=result.pk, repository_id=model.pk))
    return result


@transaction.atomic
def refresh_claims(*, repository: Repository) -> None:
    """Keep what the author claims on `main` now. A claim that stays keeps its board and its day."""
    stated = _stated(repository)
    for known in Claim.objects.filter(model=repository):
        same = next((one for one in stated if _is_same(known, one)), None)
        if same is None:
            known.delete()
        else:
            stated.remove(same)
    Claim.objects.bulk_create(
        [
            Claim(
                model=repository,
                filename=one.filename,
                dataset=one.dataset,
                dataset_key=key_of(one.dataset),
                revision=one.revision,
                board=_board_claimed(one),
                task=one.task,
                metric=one.metric,
                value=one.value,
                source_name=one.source_name,
                source_url=one.source_url,
                notes=one.notes,
                stated_on=one.stated_on,
            )
            for one in stated
        ]
    )


def write_definition(*, viewer: Viewer, repository: Repository, text: str) -> str:
    """Commit an eval.yaml to `main` of a data set; returns the commit.

    Raises BadBenchmark, Invalid for a split or columns that its rows do not have, BranchMoved,
    and what `repo_for` raises without the right to write.
    """
    repo_for(viewer, repository.kind, repository.full_name, wants="write")
    benchmark = parsed(text)
    head = refs.resolve(repository.pk, "main")
    _refuse_unknown_columns(repository, head, benchmark)
    draft = Draft(repository.pk, head)
    try:
        summary = _("Measure %(name)s, version %(version)s") % {
            "name": benchmark.name,
            "version": benchmark.version,
        }
        if signoff.must_sign(repository.sign_off, repos.MAIN):
            signoff.check_message(message=summary, name=viewer.name)
        draft.describe(summary=summary, description="", author=viewer.name)
        draft.write(FILE, text.encode())
        landed = draft.land(repos.MAIN, old=head, retry=True)
    finally:
        draft.discard()
    record_push(
        repository=repository,
        ref=landed.ref,
        old=landed.old or refs.NOTHING,
        new=landed.new,
        user_id=viewer.user_id,
    )
    return landed.new


def _refuse_unknown_columns(repository: Repository, head: str, benchmark: Benchmark) -> None:
    """Rows that are not there yet, lie elsewhere or cannot be shown are asked nothing."""
    found = preview_of(repository, head)
    if benchmark.data.repo or not found.splits:
        return
    split = found.split(benchmark.data.split)
    if split is None:
        raise Invalid(
            _("%(data)s has no split “%(split)s”; it has %(splits)s")
            % {
                "data": repository.full_name,
                "split": benchmark.data.split,
                "splits": ", ".join(one.name for one in found.splits),
            }
        )
    unknown = [name for name in columns_named(benchmark) if name not in split.columns]
    if split.columns and unknown:
        raise Invalid(
            _("The split “%(split)s” of %(data)s has no column %(unknown)s; it has %(columns)s")
            % {
                "split": split.name,
                "data": repository.full_name,
                "unknown": ", ".join(f"“{name}”" for name in unknown),
                "columns": ", ".join(split.columns),
            }
        )


def repository_called(kind: str, full_name: str) -> Repository | None:
    """A repository by its name or a former one, whoever asks; for what the hub itself filed."""
    key = key_of(full_name)
    found = Repository.objects.filter(type=kind, key=key).first()
    if found is None:
        former = Redirect.objects.filter(type=kind, key=key).select_related("repository").first()
        found = former.repository if former else None
    return found


def _from_benchmark(viewer: Viewer, named: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    name, _at, revision = named.partition("@")
    repository = repo_for(viewer, KINDS["dataset"], name)
    sha = refs.resolve(repository.pk, revision or "main")
    definition = definition_at(repository, sha)
    if definition is None:
        raise Invalid(
            _("%(name)s is no benchmark: it has no %(file)s") % {"name": name, "file": FILE}
        )
    inputs = [{"role": "benchmark", "kind": "dataset", "repo": name, "commit": sha}]
    data = definition.benchmark.data
    if data.repo:
        inputs.append(
            {"role": "data", "kind": "dataset", "repo": data.repo, "commit": data.revision}
        )
    return as_content(definition.benchmark), inputs


def _from_settings(
    settings: Mapping[str, Any], data: str
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    content = {"name": data.partition("@")[0], "version": "0", **settings}
    recipe = as_content(benchmark_from(content))
    return recipe, [{"role": "data", "kind": "dataset", "repo": data}]


def _board_and_data(
    job: Job, named: Mapping[str, Mapping[str, str]]
) -> tuple[Board | None, Repository | None]:
    """Where a result belongs, by what the job was given; what it says must fit that.

    Raises ResultUnproven.
    """
    said, asked = job.result or {}, named.get("benchmark")
    if said.get("model", {}).get("commit") != named["model"]["commit"]:
        raise ResultUnproven("The job speaks of another commit of the model than it was given")
    if asked is None:
        rows, board = named["data"], None
    else:
        repository, definition = _asked(asked)
        if not _is_as_defined(job, definition):
            raise ResultUnproven("The job has not measured what its benchmark asks")
        data = definition.benchmark.data
        rows = {"repo": data.repo, "commit": data.revision} if data.repo else asked
        board = board_of(repository, definition)
    if said.get("data", {}).get("commit") != rows["commit"]:
        raise ResultUnproven("The job speaks of another commit of the data than it was given")
    return board, repository_called("dataset", rows["repo"])


def _asked(named: Mapping[str, str]) -> tuple[Repository, Definition]:
    """The benchmark that a job was given. Raises ResultUnproven."""
    repository = repository_called("dataset", named["repo"])
    if repository is None:
        raise ResultUnproven("The benchmark was deleted while the job ran")
    try:
        definition = definition_at(repository, named["commit"])
    except BadBenchmark as refusal:
        raise ResultUnproven(refusal.message) from refusal
    if definition is None:
        raise ResultUnproven(f"{named['repo']} is no benchmark at the commit that was asked for")
    return repository, definition


def _is_as_defined(job: Job, definition: Definition) -> bool:
    """Whether the settings and the metrics are those of the benchmark."""
    said, wanted = job.result or {}, definition.benchmark
    if job.spec["recipe"] and not _asks_the_same(job.spec["recipe"], wanted):
        return False
    told = [one["name"] for one in said["metrics"]]
    return said["primary"] == wanted.primary and told == [one.name for one in wanted.metrics]


def _asks_the_same(recipe: Mapping[str, Any], wanted: Benchmark) -> bool:
    try:
        return benchmark_hash(benchmark_from(recipe)) == benchmark_hash(wanted)
    except BadBenchmark:
        return False


def _checked_samples(job: Job) -> str:
    """The SHA-256 of the file that the job left, if it is what it says. Raises ResultUnproven."""
    try:
        content = samples_path(job.pk).read_bytes()
        check_samples({"predicate": {"samples": (job.result or {})["samples"]}}, content)
    except (BadReceipt, Refusal, KeyError) as error:
        raise ResultUnproven(f"What the job left does not fit what it says: {error}") from error
    return hashlib.sha256(content).hexdigest()


def _parameters(model: Repository, commit: str) -> int | None:
    facts = snapshot_of(model, commit).facts
    found: int | None = (facts.get("safetensors") or facts.get("gguf") or {}).get("total")
    return found


def _stated(repository: Repository) -> list[Stated]:
    sha = refs.read_ref(repository.pk, repos.MAIN)
    if sha is None:
        return []
    card = tree.read_file(repository.pk, sha, CARD)
    found = from_card(read_card(card.decode("utf-8", "replace")).front) if card else []
    if tree.entries_at(repository.pk, sha, [FOLDER]):
        for entry in tree.entries(repository.pk, sha, FOLDER).entries:
            if entry.path.endswith((".yaml", ".yml")):
                text = tree.read_file(repository.pk, sha, entry.path, limit=LONGEST_FILE)
                found += from_file(entry.path, (text or b"").decode("utf-8", "replace"))
    return found


_COMPARED = (
    "filename dataset value task metric revision source_name source_url notes stated_on".split()
)


def _is_same(known: Claim, stated: Stated) -> bool:
    return all(getattr(known, name) == getattr(stated, name) for name in _COMPARED)


def _board_claimed(stated: Stated) -> Board | None:
    """The board that a claim is about: that of its revision, else the current one.

    Without a revision the board of the day is meant, so the claim stays there when a new opens.
    """
    repository = repository_called("dataset", stated.dataset)
    if repository is None:
        return None
    boards = Board.objects.filter(repository=repository)
    if stated.revision:
        try:
            definition = definition_at(repository, refs.resolve(repository.pk, stated.revision))
        except Refusal:
            return None
        board = boards.filter(digest=definition.digest).first() if definition else None
    else:
        board = boards.filter(is_current=True).first()
    return board if board is not None and measures(stated.metric, board.metric) else None


def _adopt_claims(board: Board) -> None:
    """Claims about a data set that has become a benchmark only now."""
    waiting = Claim.objects.filter(
        dataset_key=board.repository.key, board__isnull=True, revision=""
    )
    fitting = [one.pk for one in waiting if measures(one.metric, board.metric)]
    Claim.objects.filter(pk__in=fitting).update(board=board)
