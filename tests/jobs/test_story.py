"""What a job's stream comes to on its page, also when the run was taken up again."""

import json
from typing import Any

import pytest
from tests.jobs.rows import new_job

from llmos.jobs.comparing import differences
from llmos.jobs.folders import STREAM, job_folder
from llmos.jobs.models import Job
from llmos.jobs.story import story_of

AT = "2026-11-26T10:00:00.000Z"


def step(number: int, loss: float) -> dict[str, Any]:
    return {"event": "step", "step": number, "of": 9, "loss": loss, "learning_rate": 0.1}


def look(number: int, output: str) -> list[dict[str, Any]]:
    sample = {"event": "sample", "step": number, "source": "五", "target": "five"}
    measured = {"event": "evaluation", "step": number, "metrics": {"loss": 2.0, "bleu": 1.5}}
    return [measured, {**sample, "output": output}]


def told(job: Job, *events: dict[str, Any]) -> None:
    folder = job_folder(job.pk)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / STREAM).open("a") as stream:
        stream.writelines(json.dumps({"at": AT, **event}) + "\n" for event in events)


@pytest.mark.django_db
def test_a_run_that_was_taken_up_again_shows_its_newest_word_on_each_step() -> None:
    job = new_job()
    told(job, step(1, 9.0), step(2, 8.0), *look(2, "fve"), step(3, 7.0), *look(4, "lost"))
    told(job, {"event": "status", "text": "Going on from step 1"}, step(2, 8.0), *look(2, "five"))
    story = story_of(job)
    assert story.curves["loss"] == [(1, 9.0), (2, 8.0)]
    assert story.curves["validation bleu"] == [(2, 1.5)]
    assert [(one.step, one.samples[0]["output"]) for one in story.looks] == [(2, "five")]
    assert [line["text"] for line in story.log] == ["Going on from step 1"]
    assert story.rows()[1] == (2, {
        "loss": 8.0, "learning_rate": 0.1, "validation loss": 2.0, "validation bleu": 1.5,
    })  # fmt: skip


@pytest.mark.django_db
def test_a_loss_that_is_no_number_leaves_a_gap() -> None:
    job = new_job()
    told(job, step(1, 9.0), {**step(2, 0.0), "loss": None})
    assert story_of(job).curves["loss"] == [(1, 9.0)]


@pytest.mark.django_db
def test_runs_differ_only_in_what_is_not_the_same() -> None:
    one, two = new_job(), new_job()
    one.spec["recipe"] = {"task": "translate", "optimiser": {"rate": 0.1, "clip": 1.0}}
    two.spec["recipe"] = {"task": "translate", "optimiser": {"rate": 0.2, "clip": 1.0}, "base": "x"}
    two.spec["seed"] = 2
    found = {each.key: each.values for each in differences([one, two])}
    assert found == {"seed": [1, 2], "optimiser.rate": [0.1, 0.2], "base": [None, "x"]}
