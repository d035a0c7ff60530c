"""A plain client in a process of its own: sends requests over one or more kept connections.

`python -m benchmarks.load < plan.json` prints what it saw as JSON. It throws bodies away
as it reads them, so that it costs little beside the server it measures.
"""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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
    """Totals of one plan; `one latency a call."""

    wall_s: float
    cpu_s: float
    received: int
    statuses: dict[str, int]
    latencies_ms: list[float]


def play(url: str, calls: Sequence[Call], *, connections: int = 1) -> Seen:
    """Run the calls in a separate process, dealt out to the connections; what it saw."""
    plan = json.dumps(
        {"url": url, "connections": connections, "calls": [asdict(call) for call in calls]}
    )
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
    hands = [plan["calls"][i :: plan["connections"]] for i in range(plan["connections"])]
    cpu, start = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(len(hands)) as pool:
        seen = [
            one
            for hand in pool.map(lambda hand: _one_by_one(plan["url"], hand), hands)
            for one in hand
        ]
    statuses: dict[str, int] = {}
    for status, _, _ in seen:
        statuses[str(status)] = statuses.get(str(status), 0) + 1
    told = Seen(
        wall_s=time.perf_counter() - start,
        cpu_s=time.process_time() - cpu,
        received=sum(size for _, size, _ in seen),
        statuses=statuses,
        latencies_ms=[latency for _, _, latency in seen],
    )
    json.dump(asdict(told), sys.stdout)


def _one_by_one(url: str, calls: Sequence[dict[str, Any]]) -> list[tuple[int, int, float]]:
    """Status, bytes and milliseconds of each call over one connection."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(
        address.hostname or "127.0.0.1", address.port, timeout=TIMEOUT_SECONDS
    )
    connection.connect()
    buffer = memoryview(bytearray(BUFFER_BYTES))
    seen = []
    for call in calls:
        begun = time.perf_counter()
        status, size = _send(connection, call, buffer)
        seen.append((status, size, (time.perf_counter() - begun) * 1000))
    connection.close()
    return seen


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
