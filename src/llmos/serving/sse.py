"""Server-sent events: how a stream of answers is spelled, written and read."""

from collections.abc import AsyncIterator
from typing import Any

import orjson

from llmos.serving.errors import EngineFailed

DONE = b"data: [DONE]\n\n"


def event(value: Any) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


async def events(pieces: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """The JSON of each event, however the pieces were cut, up to the end or `[DONE]`.

    Raises EngineFailed when the engine tells of an error in mid-stream.
    """
    left = b""
    async for piece in pieces:
        *lines, left = (left + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data: ") and not line.startswith(b"data: [DONE]"):
                told = orjson.loads(line[6:])
                if "error" in told:
                    raise EngineFailed(f"The engine failed: {told['error']}")
                yield told
