"""What is refused when a job is filed, and in which words."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from tests.jobs.conftest import RECIPE, Jobs, wish
from tests.jobs.rows import new_job, new_member

from llmos.accounts.access import viewer_of_user
from llmos.accounts.models import User
from llmos.hub.actions import create_repository
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.jobs.access import visible_jobs
from llmos.jobs.actions import file_job, run_again
from llmos.jobs.errors import MayNotSpend, MonthSpent, QueueFull
from llmos.jobs.models import Job
from llmos.jobs.queries import ledger, ledger_by_month
from llmos.kit.config import current
from llmos.kit.errors import Forbidden, Invalid
from llmos.kit.time import now


def changed(**more: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda content: content | more


BAD = {
    "no such activity": (changed(activity="dream"), "no activity 'dream'"),
    "an activity that is no word": (changed(activity=["train"]), "no activity"),
    "no data": (changed(inputs=[]), "needs an input in the role of 'data'"),
    "a role twice": (lambda c: c | {"inputs": c["inputs"] * 2}, "Each role is given once"),
    "an unknown role": (
        lambda c: c | {"inputs": [*c["inputs"], {"role": "judge", "repo": "ada/x"}]},
        "no input in the role of 'judge'",
    ),
    "an evaluation of nothing": (
        lambda c: {"activity": "evaluate", "inputs": [c["inputs"][0] | {"role": "model"}]},
        "needs a benchmark, or data",
    ),
    "an evaluation without a word on how": (
        lambda c: {
            "activity": "evaluate",
            "inputs": [c["inputs"][0], c["inputs"][0] | {"role": "model"}],
        },
        "task",
    ),
    "a commit that is not there": (
        lambda c: c | {"inputs": [c["inputs"][0] | {"commit": "a" * 40}]},
        "Invalid rev id",
    ),
    "a name that is no text": (
        lambda c: c | {"inputs": [{"role": "data", "repo": 7}]},
        "repo of an input is a text",
    ),
    "a missing data set": (
        lambda c: c | {"inputs": [{"role": "data", "kind": "dataset", "repo": "ada/none"}]},
        "Repository not found",
    ),
    "an unknown key of the recipe": (
        changed(recipe=RECIPE | {"bach": {}}),
        "did you mean batch?",
    ),
    "an unknown task": (changed(recipe={"task": "paint"}), "one of translate"),
    "a value out of range": (
        changed(recipe=RECIPE | {"optimiser": {"rate": -1}}),
        "optimiser.rate",
    ),
    "a base without its repository": (
        changed(recipe={"task": "finetune", "base": "/etc"}),
        "as an input in the role of 'model'",
    ),
    "a negative seed": (changed(seed=-1), "seed is a whole number"),
    "a seed that is no number": (changed(seed="7"), "seed is a whole number"),
    "too many cores": (changed(cores=10_000), "cores is a whole number"),
    "labels with odd letters": (changed(labels={"a b": "c"}), "Label 'a b'"),
    "labels in a list": (changed(labels=["a"]), "labels is an object"),
    "no output": (changed(output=None), "Say into which repository"),
    "an output without a namespace": (
        changed(output={"kind": "model", "repo": "model"}),
        "a repository like name/model",
    ),
    "an output that is a word": (changed(output="ada/m"), "output is an object"),
    "a recipe in a list": (changed(recipe=[1]), "recipe is an object"),
    "inputs as an object": (changed(inputs={"role": "data"}), "inputs is a list of objects"),
    "an unknown wish": (changed(flavour="a100"), "A job has no 'flavour'"),
    "a priority for oneself": (changed(priority=5), "Only administrators"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_wish_is_refused_in_words_and_leaves_nothing(
    ada: Jobs, data: str, output: str, name: str
) -> None:
    change, words = BAD[name]
    answer = ada.ask("POST", "", json.dumps(change(wish(data, output))).encode())
    assert 400 <= answer.status < 500, answer
    assert words in answer.error
    assert not ada.api.repo_exists(output)


def test_a_container_is_refused_with_a_way_to_go(ada: Jobs) -> None:
    body = json.dumps({"dockerImage": "python:3.12", "command": ["true"]}).encode()
    answer = ada.ask("POST", "", body)
    assert answer.status == 403
    assert "its own recipes, not containers or commands" in answer.error


@pytest.mark.parametrize("query", ["?skip=x", "?skip=-1"])
def test_bad_numbers_in_addresses_are_refused(ada: Jobs, query: str) -> None:
    assert ada.ask("GET", query).status == 400


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def put(**values: Any) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"LLMOS_JOBS_{name.upper()}", str(value))
        current.cache_clear()

    yield put
    monkeypatch.undo()
    current.cache_clear()


def filed(user: User, **more: Any) -> Job:
    viewer = viewer_of_user(user)
    name = f"d-{uuid4().hex[:6]}"
    made = create_repository(viewer=viewer, kind=KINDS["dataset"], namespace=None, name=name)
    return file_job(
        viewer=viewer,
        namespace=user.username,
        activity="train",
        inputs=[{"role": "data", "kind": "dataset", "repo": f"{made.full_name}@main"}],
        output={"kind": "model", "repo": f"{user.username}/m-{uuid4().hex[:6]}"},
        **{"recipe": {"task": "translate"}, **more},
    )


@pytest.mark.django_db(transaction=True)
class TestRows:
    def test_inputs_are_pinned_and_workers_settled(self) -> None:
        job = filed(new_member(), cores=2)
        assert len(job.spec["inputs"][0]["commit"]) == 40
        assert job.spec["version"] == 1
        assert (job.cores, job.spec["recipe"]["workers"]) == (2, 2)
        assert filed(new_member()).spec["recipe"]["workers"] == 1
        job = filed(new_member(), recipe={"task": "translate", "workers": "3"})
        assert (job.cores, job.spec["recipe"]["workers"]) == (3, 3)

    def test_who_has_not_the_right_to_spend_is_told(self, settings_of: Callable[..., None]) -> None:
        member, lucky, admin = new_member(), new_member(), new_member(is_admin=True)
        settings_of(spenders=f"administrators,{lucky.username.upper()}")
        with pytest.raises(MayNotSpend, match="administrators decide"):
            filed(member)
        assert not Repository.objects.filter(full_name__startswith=f"{member.username}/m").exists()
        assert filed(lucky).pk
        assert filed(admin).pk

    def test_the_queue_of_a_namespace_has_an_end(self, settings_of: Callable[..., None]) -> None:
        settings_of(queue=2)
        member = new_member()
        filed(member)
        filed(member)
        with pytest.raises(QueueFull, match="2 jobs of this namespace are waiting"):
            filed(member)
        assert filed(new_member()).pk

    def test_a_month_that_is_spent_is_over(self, settings_of: Callable[..., None]) -> None:
        settings_of(cpu_hours=1)
        member = new_member()
        new_job(member, stage="failed", ended_at=now(), cost={"cpu_seconds": 3600.0})
        with pytest.raises(MonthSpent, match="1 CPU hours of this month"):
            filed(member)

    def test_the_ledger_adds_up_by_month(self) -> None:
        member = new_member()
        costs = {"cpu_seconds": 2.0, "gpu_seconds": 1.5, "energy_wh": 0.25}
        for month in (9, 9, 10):
            new_job(member, stage="failed", ended_at=now().replace(month=month, day=3), cost=costs)
        new_job(member)
        assert ledger(member.namespace) == {
            "jobs": 3,
            "cpu_seconds": 6.0,
            "gpu_seconds": 4.5,
            "energy_wh": 0.75,
        }
        year = now().year
        by_month = ledger_by_month(member.namespace)
        assert {month: told["jobs"] for month, told in by_month.items()} == {
            f"{year}-10": 1,
            f"{year}-09": 2,
        }

    def test_administrators_may_let_a_job_go_first_and_anybody_last(self) -> None:
        assert filed(new_member(is_admin=True), priority=10).priority == 10
        assert filed(new_member(), priority=-3).priority == -3
        with pytest.raises(Forbidden):
            filed(new_member(), priority=1)
        with pytest.raises(Invalid):
            filed(new_member(is_admin=True), priority=11)

    def test_the_same_again_is_a_new_job_at_the_same_commits(self) -> None:
        member = new_member()
        job = filed(member, seed=9, labels={"name": "first"})
        again = run_again(viewer=viewer_of_user(member), job=job, namespace=member.username)
        assert again.pk != job.pk
        assert {**again.spec, "job": ""} == {**job.spec, "job": ""}
        assert again.labels == {"name": "first"}

    def test_a_member_sees_her_own_jobs_in_lists(self) -> None:
        member, other = new_member(), new_member()
        mine = [new_job(member).pk, new_job(member).pk]
        new_job(other)
        found = visible_jobs(viewer_of_user(member))
        assert sorted(found.values_list("pk", flat=True)) == sorted(mine)
