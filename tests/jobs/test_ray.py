"""Jobs on a Ray cluster of two nodes, all on this machine, in a network of its own.

Ray binds some of its sockets to every address, whatever address it is told; so the cluster, its
hub and the calls of the test live in a network namespace that has nothing but loopback.
"""

import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from huggingface_hub import HfApi
from tests.conftest import HubServer
from tests.faults.conftest import MortalHub, prepared_hub
from tests.homes import Homes
from tests.jobs.conftest import RECIPE, Jobs, new_data, wish

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
DASHBOARD = "http://127.0.0.1:8265"
DATA: dict[str, Any] = RECIPE["data"]
LONG = {"budget": {"steps": 1200}, "look": {"times": 2, "rows": 2, "samples": 1}}


@pytest.fixture(scope="module")
def locally(hub_server: HubServer) -> dict[str, Any]:
    """The same job with two workers on this machine, before we leave for the other network."""
    jobs = Jobs(hub_server.url, hub_server.tokens["ada"], "ada")
    job = jobs.file(wish(new_data(jobs.api), "ada/locally", recipe={"workers": 2}))
    return dict(jobs.wait(job)["llmos"])


@pytest.fixture(scope="module")
def own_network(locally: dict[str, Any]) -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if libc.unshare(CLONE_NEWNET):
        os.close(home)
        pytest.skip("needs the right to make a network namespace")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            fcntl.ioctl(wire, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
        yield
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(home)


@pytest.fixture(scope="module")
def cluster(own_network: None) -> Iterator[None]:
    """A head and a worker node with two processors each."""
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # Ray's socket paths are long
    ray = Path(sys.executable).with_name("ray")
    env = {
        **os.environ,
        "PATH": f"{ray.parent}:{os.environ['PATH']}",
        "RAY_DISABLE_USAGE_STATS": "1",
        "RAY_TMPDIR": str(folder),
    }
    common = ["--block", "--num-cpus=2", "--object-store-memory=80000000"]
    head = ["--head", "--port=6379", "--dashboard-host=127.0.0.1", f"--temp-dir={folder}"]
    nodes = []
    try:
        for address, options in (
            ("127.0.0.1", head),
            ("127.0.0.2", ["--address=127.0.0.1:6379"]),
        ):
            with (folder / f"{address}.log").open("wb") as log:
                node = subprocess.Popen(
                    [ray, "start", f"--node-ip-address={address}", *options, *common],
                    env=env,
                    stdout=log,
                    stderr=log,
                )
            nodes.append(node)
            wait_for_nodes(len(nodes), folder)
        yield
    finally:
        for node in nodes:
            end_tree(node)
        shutil.rmtree(folder, ignore_errors=True)


def wait_for_nodes(count: int, folder: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            found = asked("/nodes?view=summary")["data"]["summary"]
            if len([one for one in found if one["raylet"].get("state") == "ALIVE"]) == count:
                return
        except (OSError, KeyError):
            pass
        logs = "".join(path.read_text() for path in folder.glob("*.log"))
        assert time.monotonic() < deadline, logs
        time.sleep(0.5)


def end_tree(node: subprocess.Popen[bytes]) -> None:
    """A node and everything that it started, by number."""
    whole = psutil.Process(node.pid)
    below = whole.children(recursive=True)
    node.send_signal(signal.SIGTERM)
    psutil.wait_procs(below, timeout=5)
    for process in [*below, whole]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    node.wait()


def asked(path: str) -> dict[str, Any]:
    with urllib.request.urlopen(DASHBOARD + path, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


@dataclass
class RayHub:
    mortal: MortalHub
    jobs: Jobs
    data: str
    shared: Path


@pytest.fixture(scope="module")
def hub(cluster: None, homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayHub]:
    folder = tmp_path_factory.mktemp("ray")
    shared = folder / "shared"
    mortal = prepared_hub(
        folder / "home",
        homes,
        f'[jobs]\nexecutor = "ray"\nray_address = "{DASHBOARD}"\nray_folder = "{shared}"\n'
        'ray_environment = {GLOO_SOCKET_IFNAME = "lo"}\n',
    )
    mortal.start()
    try:
        jobs = Jobs(mortal.url, mortal.token, "ada")
        yield RayHub(mortal, jobs, new_data(HfApi(endpoint=mortal.url, token=mortal.token)), shared)
    finally:
        mortal.stop()


def test_two_workers_on_two_nodes_make_the_same_bytes_as_two_here(
    hub: RayHub, locally: dict[str, Any]
) -> None:
    job = hub.jobs.file(wish(hub.data, "ada/cluster", recipe={"workers": 2}))
    done = hub.jobs.wait(job, limit=180)
    assert done["status"] == {"stage": "COMPLETED", "message": None}
    told = done["llmos"]
    assert told["output"]["files"] == locally["output"]["files"]
    assert told["cost"]["cpu_seconds"] > 0
    assert hub.jobs.api.repo_info("ada/cluster").sha == told["output"]["commit"]
    actors = asked("/api/v0/actors?detail=1&limit=1000")["data"]["result"]["result"]
    workers = [actor for actor in actors if "TrainWorker" in actor["class_name"]]
    assert len({actor["node_id"] for actor in workers}) == 2
    assert not list(hub.shared.iterdir())


def test_a_hub_that_was_killed_finds_its_job_on_the_cluster_again(hub: RayHub) -> None:
    recipe = {**RECIPE, **LONG, "workers": 1}
    job = hub.jobs.file(wish(hub.data, "ada/again", recipe=recipe))
    hub.jobs.wait(job, lambda found: "step" in found["llmos"]["progress"], limit=90)
    hub.mortal.kill("all")
    hub.mortal.back()
    done = hub.jobs.wait(job, limit=180)
    assert done["status"]["stage"] == "COMPLETED", done
    assert done["llmos"]["attempt"] == 1
    stream = (hub.mortal.home / "jobs" / job / "stream.jsonl").read_text().splitlines()
    steps = [one["step"] for one in map(json.loads, stream) if one["event"] == "step"]
    assert steps == sorted(set(steps)), "the log is followed where it was left"


def test_cancel_stops_the_job_on_the_cluster(hub: RayHub) -> None:
    recipe = {**RECIPE, **LONG, "budget": {"steps": 100_000}, "workers": 1}
    job = hub.jobs.file(wish(hub.data, "ada/stopped", recipe=recipe))
    hub.jobs.wait(job, lambda found: "step" in found["llmos"]["progress"], limit=90)
    hub.jobs.api.cancel_job(job_id=job)
    done = hub.jobs.wait(job, limit=40)
    assert done["status"]["stage"] == "CANCELED"
    assert asked(f"/api/jobs/{job}-1")["status"] == "STOPPED"


def test_a_refusal_on_the_cluster_reaches_the_member(hub: RayHub) -> None:
    recipe = {**RECIPE, "data": {**DATA, "target": "fr"}}
    job = hub.jobs.file(wish(hub.data, "ada/refused", recipe=recipe))
    done = hub.jobs.wait(job, limit=90)
    assert done["status"]["stage"] == "ERROR"
    assert "fr" in done["status"]["message"]
