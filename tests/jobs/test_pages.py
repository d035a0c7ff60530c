"""Pages of jobs without a running hub: lists, steering, what is refused."""

import pytest
from django.test import Client
from tests.jobs.rows import new_job, new_member
from tests.jobs.test_story import look, step, told

from llmos.accounts.models import User
from llmos.jobs.models import Job
from llmos.jobs.stages import Stage
from llmos.kit.time import now
from llmos.provenance.models import Activity, Rebuild

pytestmark = pytest.mark.django_db
COST = {"cpu_seconds": 90.0, "energy_wh": 0.2, "wall_seconds": 60.0, "peak_memory_bytes": 10**8}


def browser_of(user: User, **options: object) -> Client:
    client = Client(HTTP_HOST="hub.test", **options)  # type: ignore[arg-type]
    client.force_login(user, backend="llmos.accounts.sessions.Members")
    return client


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_a_visitor_is_asked_to_sign_in_and_comes_back() -> None:
    answer = Client(HTTP_HOST="hub.test").get("/jobs?stage=live")
    assert answer["Location"] == "/accounts/login/?next=/jobs%3Fstage%3Dlive"


def test_the_list_says_what_all_has_cost_and_is_filtered() -> None:
    ada = new_member()
    new_job(ada, stage=Stage.SUCCEEDED, cost=COST)
    new_job(ada, stage=Stage.FAILED, cost=COST, message="The data are empty")
    waiting = new_job(ada)
    browser = browser_of(ada)
    page = text(browser, "/jobs")
    assert "3 min" in page
    assert "The data are empty" in page
    live = text(browser, "/jobs?stage=live")
    assert waiting.pk in live
    assert live.count('name="id"') == 1
    assert "Nothing fits" in text(browser, "/jobs?activity=evaluate")
    assert text(browser, "/jobs?stage=x&activity=y&page=-3").count('name="id"') == 3


def test_a_long_list_has_pages() -> None:
    ada = new_member()
    for _ in range(45):
        new_job(ada)
    browser = browser_of(ada)
    assert text(browser, "/jobs").count('name="id"') == 40
    assert text(browser, "/jobs?page=2").count('name="id"') == 5


def test_a_waiting_job_knows_its_place_in_line() -> None:
    ada = new_member()
    first, second = new_job(ada), new_job(ada)
    browser = browser_of(ada)
    assert "next one" in text(browser, first.url)
    assert "1 job stands before it" in text(browser, second.url)


def test_a_running_job_tells_its_step_and_the_time_that_is_left() -> None:
    ada = new_member()
    progress = {"text": "Learning", "steps": 100, "step": {"step": 25, "of": 100, "seconds": 30.0}}
    job = new_job(ada, stage=Stage.RUNNING, started_at=now(), progress=progress)
    told(job, step(1, 9.0), *look(1, "fife <b>"))
    page = text(browser_of(ada), job.url)
    assert "step 25 of 100" in page
    assert "about 1 min 30 s left" in page
    assert "fife &lt;b&gt;" in page
    assert "/api/jobs/" in page
    part = text(browser_of(ada), f"{job.url}/present?was=running")
    assert 'id="live"' in part
    assert 'id="facts"' not in part
    assert 'id="facts"' in text(browser_of(ada), f"{job.url}/present?was=queued")


def test_a_failed_job_says_why_and_can_go_on() -> None:
    ada = new_member()
    job = new_job(ada, stage=Stage.FAILED, message="Lower optimiser.rate", ended_at=now())
    page = text(browser_of(ada), job.url)
    assert "Lower optimiser.rate" in page
    assert f'action="{job.url}/resume"' in page
    assert browser_of(ada).post(f"{job.url}/resume")["Location"] == job.url
    job.refresh_from_db()
    assert job.stage == Stage.QUEUED


def test_steering_wants_the_right_and_the_forms_token() -> None:
    ada, eve = new_member(), new_member()
    job = new_job(ada)
    assert browser_of(eve).post(f"{job.url}/cancel").status_code == 404
    assert Client(HTTP_HOST="hub.test").post(f"{job.url}/cancel").status_code == 404
    assert browser_of(ada).get(f"{job.url}/cancel").status_code == 405
    careful = browser_of(ada, enforce_csrf_checks=True)
    assert careful.post(f"{job.url}/cancel").status_code == 403
    assert Job.objects.get(pk=job.pk).stage == Stage.QUEUED
    browser_of(ada).post(f"{job.url}/cancel")
    assert Job.objects.get(pk=job.pk).stage == Stage.CANCELLED


def test_what_has_moved_on_is_said_and_harms_nothing() -> None:
    ada = new_member()
    job = new_job(ada, stage=Stage.SUCCEEDED, ended_at=now())
    answer = browser_of(ada).post(f"{job.url}/cancel", follow=True)
    assert "ended already" in answer.content.decode()


@pytest.mark.parametrize("part", ["", "/present", "/log", "/cancel", "/resume"])
def test_no_such_job_and_somebody_elses_look_the_same(part: str) -> None:
    ada, eve = new_member(), new_member()
    job = new_job(ada)
    browser = browser_of(eve)
    ask = browser.post if part in {"/cancel", "/resume"} else browser.get
    hidden, missing = ask(job.url + part), ask(f"/jobs/{ada.username}/{'0' * 24}{part}")
    assert hidden.status_code == missing.status_code == 404


def test_the_log_is_searched_and_kept_as_a_text() -> None:
    ada = new_member()
    job = new_job(ada)
    told(job, {"event": "log", "text": "one <two>"}, {"event": "log", "text": "three"})
    browser = browser_of(ada)
    found = text(browser, f"{job.url}?find=TWO")
    assert "one &lt;two&gt;" in found
    assert "three" not in found
    assert "No line has these words" in text(browser, f"{job.url}?find=four")
    answer = browser.get(f"{job.url}/log")
    kept = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert kept.splitlines()[1].endswith(" three")
    assert "attachment" in answer["Content-Disposition"]


def test_a_rebuild_of_what_is_not_known_is_refused() -> None:
    ada = new_member()
    assert browser_of(ada).post(f"/activities/{'0' * 24}/rebuild").status_code == 404
    assert Client(HTTP_HOST="hub.test").post(f"/activities/{'0' * 24}/rebuild").status_code == 401
    assert not Activity.objects.exists()


def test_a_verdict_names_what_differs() -> None:
    ada = new_member()
    first = new_job(ada, stage=Stage.SUCCEEDED, ended_at=now())
    activity = Activity.objects.create(
        pk=first.pk, activity="train", recipe={}, recipe_hash="", software={}, software_hash="",
        seed=1, hardware={}, cost={}, files={}, started_at=now(), ended_at=now(), user=ada,
    )  # fmt: skip
    job = new_job(ada, stage=Stage.SUCCEEDED, ended_at=now(), rebuild_of=activity.pk)
    files = {"model.safetensors": ["a" * 64, "b" * 64]}
    differences = {"files": files, "software": {"torch": ["2.13.0", "2.14.0"]}}
    Rebuild.objects.create(job_id=job.pk, activity=activity, equal=False, differences=differences)
    page = text(browser_of(ada), job.url)
    for word in ("Not the same bytes", "model.safetensors", "2.13.0", "2.14.0"):
        assert word in page


def test_comparing_leaves_out_more_lines_than_anybody_tells_apart() -> None:
    ada = new_member()
    jobs = [new_job(ada) for _ in range(9)]
    page = text(browser_of(ada), "/jobs/compare?" + "&".join(f"id={job.pk}" for job in jobs))
    assert "Only the first 8" in page
    assert "Tick two or more" in text(browser_of(ada), "/jobs/compare")
    assert browser_of(ada).get("/jobs/compare?id=nothing").status_code == 404
