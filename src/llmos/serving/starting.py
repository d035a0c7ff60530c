"""An engine's process: started, waited for until it answers, and ended.

Blocking, for a thread beside the event loop.
"""

import asyncio
import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil

from llmos.kit.config import current
from llmos.kit.errors import Refusal
from llmos.kit.home import home_from_environment
from llmos.lab import errors as lab_errors
from llmos.lab.engines import errors as engine_errors
from llmos.serving import files
from llmos.serving.config import ServingSettings
from llmos.serving.engine_process import LIFELINE_VARIABLE
from llmos.serving.errors import EngineFailed
from llmos.serving.queries import Servable
from llmos.store.threads import page_text as _


@dataclass(slots=True)
class Running:
    """An engine that answers. `at_work` counts requests it has, `waiting` those it has not."""

    model: Servable
    process: subprocess.Popen[bytes]
    address: str
    key: str
    kind: str
    context: int
    adds_space: bool
    places: int
    free: asyncio.Semaphore
    started_at: float = field(default_factory=time.time)
    used: float = field(default_factory=time.monotonic)
    at_work: int = 0
    waiting: int = 0

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    @property
    def is_idle(self) -> bool:
        return not self.at_work and not self.waiting

    def memory(self) -> int:
        """Bytes of memory that it holds now."""
        try:
            return int(psutil.Process(self.process.pid).memory_info().rss)
        except psutil.Error:
            return 0


def started(model: Servable, lifeline: int) -> Running:
    """Start the process and wait until it answers. Raises EngineFailed and why it cannot run."""
    settings, key = current(ServingSettings), secrets.token_urlsafe(24)
    files.tidy()
    asked = {
        "folder": str(files.put_out(model)),
        "cache": str(files.cache_folder()),
        "name": model.name,
        "key": key,
        "threads": settings.threads or len(os.sched_getaffinity(0)),
        "slots": settings.slots,
        "context": settings.context,
        "conversations": settings.conversations_mb * 2**20,
    }
    logs = home_from_environment().logs
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / "engines.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "llmos.serving.engine_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(lifeline),
            pass_fds=[lifeline],
            process_group=0,
        )
    try:
        told = _first_words(process, asked, settings.start_seconds)
    except BaseException:
        ended(process)
        raise
    return Running(
        model=model,
        process=process,
        address=told["address"],
        key=key,
        kind=told["kind"],
        context=told["context"],
        adds_space=told["adds_space"],
        places=told["slots"],
        free=asyncio.Semaphore(told["slots"]),
    )


def _first_words(
    process: subprocess.Popen[bytes], asked: dict[str, Any], seconds: float
) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):  # it ended already: it has no words either
        process.stdin.write(json.dumps(asked).encode())
        process.stdin.close()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(seconds):
            raise EngineFailed(
                _("The engine did not load the model within %(n)d seconds") % {"n": seconds}
            )
    words = process.stdout.readline()
    if not words:
        raise EngineFailed(_last_words(process))
    told: dict[str, Any] = json.loads(words)
    if "refusal" in told:
        raise _refusal(told["refusal"])
    return told


def _last_words(process: subprocess.Popen[bytes]) -> str:
    try:
        status = process.wait(5)
    except subprocess.TimeoutExpired:
        status = 0
    if status == -signal.SIGKILL:
        return _("The engine was killed while it loaded the model; it probably ran out of memory")
    return _("The engine ended while it loaded the model; logs/engines.log in the home says why")


def _refusal(told: dict[str, str]) -> Refusal:
    name = told["class"]
    kind = getattr(lab_errors, name, None) or getattr(engine_errors, name, None) or EngineFailed
    refusal: Refusal = kind(told["message"])
    return refusal


def _environment(lifeline: int) -> dict[str, str]:
    """Ours without secrets; spinning threads stay, an engine without them is 3 times slower."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LLMOS_", "HF_", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"))
        and not any(word in name for word in ("TOKEN", "SECRET", "PASSWORD", "KEY"))
    }
    return {
        **kept,
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        LIFELINE_VARIABLE: str(lifeline),
    }


def ended(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
