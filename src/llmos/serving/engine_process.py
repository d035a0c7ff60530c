"""One engine in a process of its own: `python -m llmos.serving.engine_process`.

Reads what to run as JSON from standard input, loads it, answers with one line of JSON on
standard output (its address, or why not), and then speaks the OpenAI shape on loopback to whoever
has the key. llama.cpp brings its own server; other engines stand behind the small one in
`engine_server.py`. Ends with the hub.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from llmos.kit.errors import Refusal
from llmos.kit.lifeline import end_with_parent
from llmos.lab.engines import Engine, open_engine
from llmos.lab.engines.folders import look

LIFELINE_VARIABLE = "LLMOS_ENGINE_LIFELINE"
GRACE = 3.0


def main() -> None:
    end_with_parent(int(os.environ.pop(LIFELINE_VARIABLE)), grace=GRACE)
    # What libraries print must not be taken for our answer.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asked = json.load(sys.stdin)
    try:
        engine = _opened(asked)
    except Refusal as refusal:
        _say(answer, {"refusal": {"class": type(refusal).__name__, "message": refusal.message}})
        return
    slots = getattr(engine, "slots", asked["slots"])
    told = {"kind": engine.kind, "task": engine.task, "context": engine.context, "slots": slots}
    address = getattr(engine, "address", "")
    if address:
        _say(answer, {**told, "address": address, "adds_space": engine.adds_space})  # type: ignore[attr-defined]
        over = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: over.set())
        over.wait()
        os._exit(0)  # answers in progress are of no use to anybody now
    from llmos.serving.engine_server import serve

    def ready(address: str) -> None:
        _say(answer, {**told, "address": address, "adds_space": False})

    asyncio.run(serve(engine, key=asked["key"], name=asked["name"], ready=ready))


def _opened(asked: dict[str, Any]) -> Engine:
    folder, cache = Path(asked["folder"]), Path(asked["cache"])
    model = look(folder)
    if model.engine != "llama_cpp":
        return open_engine(folder, threads=asked["threads"], cache=cache)
    from llmos.lab.engines.llama import Behind, LlamaCppEngine

    return LlamaCppEngine(
        model,
        threads=asked["threads"],
        cache=cache,
        slots=asked["slots"],
        context=asked["context"],
        conversations=asked["conversations"],
        behind=Behind(key=asked["key"], name=asked["name"]),
    )


def _say(answer: Any, told: dict[str, Any]) -> None:
    answer.write(json.dumps(told) + "\n")
    answer.flush()


if __name__ == "__main__":
    main()
