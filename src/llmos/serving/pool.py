"""Engines on demand: started for a model when somebody asks, shared, and unloaded again.

All of it lives on the web process's event loop. An engine is a process; it may die at any time,
and then whoever waits hears it and the next request starts another. Requests beyond what an
engine works on wait in a bounded queue.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import psutil

from llmos.kit.config import current
from llmos.kit.time import iso
from llmos.serving import files
from llmos.serving.config import ServingSettings
from llmos.serving.errors import EngineBusy, NoRoom
from llmos.serving.queries import Servable
from llmos.serving.starting import Running as Running
from llmos.serving.starting import ended, started
from llmos.store.threads import page_text as _

_LOOK_EVERY = 5.0  # seconds between looks for idle and dead engines
_BESIDE_WEIGHTS = 300 * 2**20  # bytes an engine takes beside its weights
_RETRY = 5  # seconds that a refused client is told to wait


class Pool:
    """The engines of this hub."""

    def __init__(self) -> None:
        self._running: dict[str, Running] = {}
        self._starting: dict[str, asyncio.Task[Running]] = {}
        self._promised: dict[str, int] = {}  # bytes of memory, to engines that load
        self._queued: dict[str, int] = {}  # requests that wait for an engine to load
        self._watch: asyncio.Task[None] | None = None
        self._lifeline = os.pipe()

    @asynccontextmanager
    async def engine(self, model: Servable) -> AsyncIterator[Running]:
        """The model's engine, with a place in it, for the length of the block.

        Raises EngineBusy, NoRoom, EngineFailed, and why the model cannot be run.
        """
        engine = await self._ready(model)
        await self._take_place(engine)
        engine.at_work += 1
        try:
            yield engine
        finally:
            engine.at_work -= 1
            engine.used = time.monotonic()
            engine.free.release()

    def loaded(self) -> list[Running]:
        return [engine for engine in self._running.values() if engine.is_alive]

    def described(self) -> dict[str, Any]:
        """What an administrator wants to know."""
        memory = psutil.virtual_memory()
        return {
            "engines": [_described(engine) for engine in self.loaded()],
            "loading": [
                {"key": key, "waiting": self._queued.get(key, 0)} for key in self._starting
            ],
            "memory": {"total": memory.total, "available": memory.available},
        }

    async def unload(self, key: str) -> bool:
        """End an engine, busy or not; false when there is none."""
        engine = self._running.pop(key, None)
        if engine is None:
            return False
        await asyncio.to_thread(ended, engine.process)
        return True

    async def _ready(self, model: Servable) -> Running:
        found = self._running.get(model.key)
        if found is not None and found.is_alive:
            return found
        self._running.pop(model.key, None)
        waiting = self._queued.get(model.key, 0)
        if waiting >= current(ServingSettings).queue:
            raise EngineBusy(_("Too many wait for this model to load; try again"), seconds=_RETRY)
        starting = self._starting.get(model.key)
        if starting is None:
            starting = asyncio.ensure_future(self._start(model))
            self._starting[model.key] = starting
            starting.add_done_callback(lambda done: self._is_started(model.key, done))
        self._queued[model.key] = waiting + 1
        try:
            # Shielded: one client that goes must not stop the load for the others.
            return await asyncio.shield(starting)
        finally:
            self._queued[model.key] -= 1
            if not self._queued[model.key]:
                del self._queued[model.key]

    def _is_started(self, key: str, done: "asyncio.Task[Running]") -> None:
        del self._starting[key]
        if not done.cancelled():
            done.exception()  # heard by whoever waits; nobody may do so any more

    async def _take_place(self, engine: Running) -> None:
        settings = current(ServingSettings)
        if engine.waiting >= settings.queue:
            raise EngineBusy(
                _("%(n)d requests wait for this model already; try again") % {"n": engine.waiting},
                seconds=_RETRY,
            )
        engine.waiting += 1
        try:
            async with asyncio.timeout(settings.queue_seconds):
                await engine.free.acquire()
        except TimeoutError as error:
            raise EngineBusy(_("The model is busy; try again"), seconds=_RETRY) from error
        finally:
            engine.waiting -= 1

    async def _start(self, model: Servable) -> Running:
        if self._watch is None:
            self._watch = asyncio.ensure_future(self._look_after())
        size = await asyncio.to_thread(_weights_size, model) + _BESIDE_WEIGHTS
        await self._make_room(size)
        self._promised[model.key] = size
        try:
            engine = await asyncio.to_thread(started, model, self._lifeline[0])
        finally:
            del self._promised[model.key]
        self._running[model.key] = engine
        return engine

    async def _make_room(self, size: int) -> None:
        """Unload the longest unused until there is a place and memory.

        Raises NoRoom, EngineBusy.
        """
        settings = current(ServingSettings)
        needed = size + settings.spare_memory_mb * 2**20
        while True:
            free = psutil.virtual_memory().available - sum(self._promised.values())
            crowded = len(self._running) + len(self._promised) >= settings.engines
            short = free < needed
            if not crowded and not short:
                return
            idle = [engine for engine in self._running.values() if self._is_unused(engine)]
            if idle:
                await self.unload(min(idle, key=lambda engine: engine.used).model.key)
            elif short:
                raise NoRoom(
                    _("The model needs about %(n)d MiB of memory; the hub has %(free)d MiB free")
                    % {"n": needed // 2**20, "free": max(0, free) // 2**20}
                )
            else:
                raise EngineBusy(
                    _("All engines of this hub are at work; try again"), seconds=_RETRY
                )

    def _is_unused(self, engine: Running) -> bool:
        return engine.is_idle and not self._queued.get(engine.model.key)

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            settings, now = current(ServingSettings), time.monotonic()
            short = psutil.virtual_memory().available < settings.spare_memory_mb * 2**20 // 2
            for key, engine in list(self._running.items()):
                unused = self._is_unused(engine)
                tired = unused and now - engine.used > settings.idle_seconds
                if not engine.is_alive or tired or (short and unused):
                    await self.unload(key)


_pool: Pool | None = None


def pool() -> Pool:
    """The one pool of this process; made on its event loop."""
    global _pool  # noqa: PLW0603  # an event loop must exist before its locks
    if _pool is None:
        _pool = Pool()
    return _pool


def _weights_size(model: Servable) -> int:
    return sum(entry.size for entry in files.needed_entries(model))


def _described(engine: Running) -> dict[str, Any]:
    return {
        "key": engine.model.key,
        "model": engine.model.name,
        "sha": engine.model.sha,
        "task": engine.model.task,
        "engine": engine.kind,
        "pid": engine.process.pid,
        "memory": engine.memory(),
        "context": engine.context,
        "places": engine.places,
        "at_work": engine.at_work,
        "waiting": engine.waiting,
        "started_at": iso(datetime.fromtimestamp(engine.started_at, UTC)),
        "idle_seconds": round(time.monotonic() - engine.used) if engine.is_idle else 0,
    }
