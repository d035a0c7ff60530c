"""A plain client in a process of its own: sends requests over one connection, one by one.

`python -m benchmarks.load < plan.json` prints what it saw as JSON. It throws bodies away
as it reads them, so that it costs little beside the server it measures.
"""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

BUFFER_BYTES = 1 << 20
TIMEOUT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Call:
    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """Totals of one plan; `latencies_ms` in the order of the calls."""

    wall_s: float
    cpu_s: float
    received: int
    statuses: dict[str, int]
    latencies_ms: list[float]


def play(url: str, calls: Sequence[Call]) -> Seen:
    """Run the calls in a separate process and return what it saw."""
    plan = json.dumps({"url": url, "calls": [asdict(call) for call in calls]})
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=plan,
        capture_output=True,
        text=True,
        check=True,
    )
    return Seen(**json.loads(done.stdout))


def main() -> None:
    plan = json.load(sys.stdin)
    address = urlsplit(plan["url"])
    connection = http.client.HTTPConnection(
        address.hostname or "127.0.0.1", address.port, timeout=TIMEOUT_SECONDS
    )
    connection.connect()
    buffer = memoryview(bytearray(BUFFER_BYTES))
    statuses: dict[str, int] = {}
    latencies, received = [], 0
    cpu, start = time.process_time(), time.perf_counter()
    for call in plan["calls"]:
        begun = time.perf_counter()
        status, size = _send(connection, call, buffer)
        latencies.append((time.perf_counter() - begun) * 1000)
        statuses[str(status)] = statuses.get(str(status), 0) + 1
        received += size
    seen = Seen(
        wall_s=time.perf_counter() - start,
        cpu_s=time.process_time() - cpu,
        received=received,
        statuses=statuses,
        latencies_ms=latencies,
    )
    json.dump(asdict(seen), sys.stdout)


def _send(
    connection: http.client.HTTPConnection, call: dict[str, Any], buffer: memoryview
) -> tuple[int, int]:
    connection.request(
        call["method"], call["path"], body=call["body"] or None, headers=call["headers"]
    )
    response = connection.getresponse()
    size = 0
    while count := response.readinto(buffer):
        size += count
    return response.status, size


if __name__ == "__main__":
    main()
