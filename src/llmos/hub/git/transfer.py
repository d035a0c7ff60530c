"""git's own conversation, relayed: one process for each request, streamed both ways.

Knows processes and pipes, not members; who may do what is settled before.
"""

import asyncio
import os
import re
import signal
import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from llmos.hub.git.receive import (
    PushRefused,
    RefChange,
    Rules,
    check_push,
    hooks_folder,
    read_change,
)
from llmos.hub.git.repos import git_environment, path_of
from llmos.kit.errors import Invalid
from llmos.store.threads import in_thread

Service = Literal["upload-pack", "receive-pack"]

CHUNK = 2**18  # bytes
LONGEST_ASKING = 64 * 2**20  # bytes of a fetch request: wants and haves
_PROTOCOL = re.compile(r"[a-z0-9=.:_-]{0,100}")
_MOST_REFS = 10_000  # references changed by one push
_ENDING_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a push asked for and whether the rules let it pass."""

    changes: list[RefChange]
    accepted: bool


def protocol_of(header: str) -> str:
    """The `Git-Protocol` header as git's environment takes it; nonsense counts as none."""
    return header if _PROTOCOL.fullmatch(header) else ""


async def advertise(repository_id: int, service: Service, protocol: str) -> bytes:
    """The references, as a client asks for them first."""
    process = await _start(
        repository_id, [service, "--stateless-rpc", "--advertise-refs", "."], protocol
    )
    try:
        async with asyncio.timeout(60):
            out, _ = await process.communicate()
    finally:
        await end(process)
    return out


async def start_fetch(repository_id: int, protocol: str) -> asyncio.subprocess.Process:
    return await _start(repository_id, ["upload-pack", "--stateless-rpc", "."], protocol)


class Push:
    """A running receive-pack and the pipe over which its hook asks for the verdict."""

    def __init__(self, repository_id: int, rules: Rules) -> None:
        self.repository_id = repository_id
        self._rules = rules
        self.process: asyncio.subprocess.Process
        self._verdict: asyncio.Task[Verdict]

    async def start(self, protocol: str) -> None:
        hooks = await in_thread(hooks_folder)
        asked, ask = os.pipe()
        answer, answered = os.pipe()
        try:
            self.process = await _start(
                self.repository_id,
                ["receive-pack", "--stateless-rpc", "."],
                protocol,
                settings={"core__hooksPath": str(hooks)},
                extra={"LLMOS_ASK": str(ask), "LLMOS_ANSWER": str(answer)},
                pass_fds=(ask, answer),
            )
        except BaseException:
            os.close(asked)
            os.close(answered)
            raise
        finally:
            os.close(ask)
            os.close(answer)
        self._verdict = asyncio.create_task(self._judge(asked, answered))

    async def changes(self) -> list[RefChange]:
        """What was accepted, once the process has ended; git may still have refused some."""
        verdict = await self._verdict
        return verdict.changes if verdict.accepted else []

    async def _judge(self, asked: int, answered: int) -> Verdict:
        lines = _lines_of(asked)
        faults = ["The hub could not check this push; try again"]
        changes: list[RefChange] = []
        try:
            quarantine = await anext(lines, None)
            if quarantine is None:
                return Verdict([], accepted=False)  # nothing to update
            async for line in lines:
                if line == "end":
                    break
                changes.append(read_change(line))
            else:
                return Verdict([], accepted=False)
            await in_thread(check_push, self.repository_id, quarantine, changes, self._rules)
            faults = []
        except PushRefused as refusal:
            faults = refusal.message.split("\n")
        finally:
            await lines.aclose()
            said = "".join(f"{fault}\n" for fault in faults) + ("no\n" if faults else "ok\n")
            with suppress(BrokenPipeError):
                os.write(answered, said.encode("utf-8", "replace"))
            os.close(answered)
        return Verdict(changes, accepted=not faults)


async def feed(
    process: asyncio.subprocess.Process,
    body: AsyncIterator[bytes],
    *,
    gzipped: bool,
    limit: int | None,
) -> None:
    """Pass a request body on, unpacked. Raises Invalid for a broken or too long one."""
    assert process.stdin is not None
    size = 0
    with suppress(BrokenPipeError, ConnectionResetError):  # git said enough; its answer tells why
        async for part in _unpacked(body) if gzipped else body:
            size += len(part)
            if limit is not None and size > limit:
                raise Invalid(f"The request is over {limit} bytes")
            process.stdin.write(part)
            await process.stdin.drain()
        process.stdin.close()


async def end(process: asyncio.subprocess.Process, *, patience: float = 0) -> int:
    """Wait for a process, for so many seconds, then kill it and all it started."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            return await process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return await process.wait()


async def _unpacked(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Unzip in pieces of bounded size, so that a bomb is counted before it is held."""
    inflate = zlib.decompressobj(wbits=31)
    async for part in body:
        rest = part
        while rest:
            try:
                yield inflate.decompress(rest, CHUNK)
            except zlib.error as error:
                raise Invalid("The request body is not gzip") from error
            rest = inflate.unconsumed_tail


async def _lines_of(descriptor: int) -> AsyncGenerator[str, None]:
    reader = asyncio.StreamReader(limit=2**16)
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        for _ in range(_MOST_REFS):
            line = await reader.readline()
            if not line:
                return
            yield line.decode("utf-8", "surrogateescape").rstrip("\n")
    finally:
        transport.close()


async def _start(
    repository_id: int,
    arguments: list[str],
    protocol: str,
    *,
    settings: dict[str, str] | None = None,
    extra: dict[str, str] | None = None,
    pass_fds: tuple[int, ...] = (),
) -> asyncio.subprocess.Process:
    environment = git_environment(**(settings or {})) | (extra or {})
    if protocol:
        environment["GIT_PROTOCOL"] = protocol
    return await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        cwd=path_of(repository_id),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=CHUNK,
        pass_fds=pass_fds,
        start_new_session=True,
    )
