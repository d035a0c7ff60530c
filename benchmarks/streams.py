"""Streams of chat as a client sees them: when the first token came, and how many a second."""

import http.client
import json
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.prompts import QUESTION


@dataclass(frozen=True, slots=True)
class Place:
    """Where an OpenAI-shaped server is, its key, and the name of the model there."""

    url: str  # …/v1
    key: str
    model: str
    end_token: int  # kept from being said, so that all answers have the same length


@dataclass(frozen=True, slots=True)
class Told:
    tokens: int
    first_s: float


def rate(place: Place, *, streams: int, tokens: int) -> float:
    """New tokens a second over all streams, begun together."""
    told: list[Told] = []
    threads = [
        threading.Thread(target=lambda: told.append(stream(place, tokens))) for _ in range(streams)
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    if [one.tokens for one in told] != [tokens] * streams:
        raise RuntimeError(f"{streams} streams of {tokens} tokens gave {told}")
    return streams * tokens / seconds


def stream(place: Place, tokens: int) -> Told:
    """One answer, read to its end. Raises RuntimeError when it is refused."""
    address = urlsplit(place.url)
    connection = http.client.HTTPConnection(address.netloc, timeout=600)
    asked = {
        "model": place.model,
        "messages": [{"role": "user", "content": QUESTION}],
        "max_tokens": tokens,
        "temperature": 0,
        "logit_bias": {str(place.end_token): -100},
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    headers = {"Authorization": f"Bearer {place.key}", "Content-Type": "application/json"}
    start, first, made = time.perf_counter(), 0.0, 0
    try:
        connection.request("POST", f"{address.path}/chat/completions", json.dumps(asked), headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {answer.read()[:500]!r}")
        for line in answer:
            if not line.startswith(b"data: {"):
                continue
            if not first and b'"content":"' in line:
                first = time.perf_counter() - start
            if b'"usage":' in line:
                made = (json.loads(line[6:]).get("usage") or {}).get("completion_tokens", made)
    finally:
        connection.close()
    return Told(made, first)
