"""The first model that a new hub makes itself: trained, measured and on a board while one watches.

Everything goes through the hub's own API with a token, as any member's script would. Told again,
it takes up what was begun: jobs are found by their label, and they survive what this does not.
"""

import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import httpx

from llmos.kit.errors import Refusal

LABEL = "first-content"
# Small words, small batches: numbers need few pieces, and many steps teach more than large ones.
RECIPE: dict[str, Any] = {
    "task": "translate",
    "data": {"source": "zh", "target": "en"},
    "tokeniser": {"vocabulary": 500},
    "model": {
        "d_model": 96,
        "heads": 4,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "feed_forward": 384,
    },
    "optimiser": {"name": "muon", "rate": 0.006, "matrix_rate": 0.01},
    "batch": {"tokens": 512},
}
MOST_CORES = 4  # more would share batches that are too small to be worth it
LOOK_EVERY = 1.0  # seconds
TOLD_EVERY = 10.0
OVER = {"COMPLETED", "ERROR", "CANCELED"}

Say = Callable[[str], None]


class FirstModelFailed(Refusal):
    """A job of the first model did not end well."""

    code = "FirstModelFailed"


def make_first_model(
    *, url: str, token: str, data_set: str, model: str, minutes: float, say: Say
) -> None:
    """Train `model` on `data_set`, which is a benchmark too, and measure it there.

    Raises FirstModelFailed with the job's own words.
    """
    if not minutes:
        return
    if find_spec("torch") is None:
        say("no first model is trained here: pip install 'llmos[serve]' adds what learning needs")
        return
    namespace = model.partition("/")[0]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as hub:
        trained = _job(hub, namespace, "train") or _train(hub, data_set, model, minutes)
        say(f"the first model is learning: {trained['llmos']['url']}")
        _wait(hub, trained, say)
        measured = _job(hub, namespace, "evaluate") or _measure(hub, data_set, model)
        say(f"and is being measured: {measured['llmos']['url']}")
        _wait(hub, measured, say)
        result = hub.get(f"/api/jobs/{namespace}/{measured['id']}").json()["llmos"]["result"]
        primary = next(one for one in result["metrics"] if one["name"] == result["primary"])
        say(f"it says {primary['value']:.1f} % of unseen numbers right: {url}/{model}")


def _train(hub: httpx.Client, data_set: str, model: str, minutes: float) -> dict[str, Any]:
    wish = {
        "activity": "train",
        "inputs": [{"role": "data", "kind": "dataset", "repo": data_set}],
        "output": {"kind": "model", "repo": model},
        "recipe": {**RECIPE, "budget": {"minutes": minutes}},
        "cores": min(MOST_CORES, os.cpu_count() or 1),
        "labels": {LABEL: "train"},
    }
    return _filed(hub.post(f"/api/jobs/{model.partition('/')[0]}", json=wish))


def _measure(hub: httpx.Client, data_set: str, model: str) -> dict[str, Any]:
    wish = {
        "activity": "evaluate",
        "inputs": [
            {"role": "model", "kind": "model", "repo": model},
            {"role": "benchmark", "kind": "dataset", "repo": data_set},
        ],
        "labels": {LABEL: "evaluate"},
    }
    return _filed(hub.post(f"/api/jobs/{model.partition('/')[0]}", json=wish))


def _job(hub: httpx.Client, namespace: str, activity: str) -> dict[str, Any] | None:
    """The job that an earlier start has filed, unless it failed for good."""
    label = {"label": f"{LABEL}={activity}"}
    for job in hub.get(f"/api/jobs/{namespace}", params=label).json():
        if job["status"]["stage"] not in {"ERROR", "CANCELED"}:
            found: dict[str, Any] = job
            return found
    return None


def _filed(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise FirstModelFailed(answer.headers.get("X-Error-Message") or answer.text)
    job: dict[str, Any] = answer.json()
    return job


def _wait(hub: httpx.Client, job: dict[str, Any], say: Say) -> None:
    """Until the job has ended, with a word on its progress now and then."""
    path, told = f"/api/jobs/{job['owner']['name']}/{job['id']}", time.monotonic()
    while job["status"]["stage"] not in OVER:
        time.sleep(LOOK_EVERY)
        try:
            job = _filed(hub.get(path))
        except httpx.TransportError:  # the web process is being started again
            continue
        step = job["llmos"]["progress"].get("step")
        if step and time.monotonic() - told > TOLD_EVERY:
            told = time.monotonic()
            say(f"  step {step['step']} of {_planned(step)}, loss {step['loss']:.3f}")
    if job["status"]["stage"] != "COMPLETED":
        raise FirstModelFailed(job["status"]["message"] or "The job was cancelled")


def _planned(step: dict[str, Any]) -> str:
    return str(step["of"]) if step["of"] < 10**9 else "as many as fit"
