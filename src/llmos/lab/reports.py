"""How long work tells of itself: to a terminal as a bar, to whoever runs it as a stream.

**The stream.** A line that begins with the record separator (RFC 7464) is one JSON event, any
other line is a log line. Every event has the key `event`; the others stand in `EVENTS`.
"""

import json
import math
import sys
from collections.abc import Iterator
from typing import Any, Protocol, TextIO

SEPARATOR = "\x1e"

EVENTS = {
    "status": "text: what is being done now, in a member's words",
    "plan": "steps: how many there will be",
    "step": "step, of, loss, learning_rate, tokens_per_second, seconds",
    "progress": "done, of, unit: how much of some work is done",
    "evaluation": "step, metrics: name to number",
    "sample": "step, source, target, output",
    "output": "kind, repo, commit, files: path to SHA-256; kept under a repository or not",
    "result": "of an evaluation, as docs/reference/benchmarks.md describes it",
    "made": "recipe, software, lock, hardware, seed: what it takes to do this again",
    "cost": "cpu_seconds, wall_seconds, peak_memory_bytes, energy_wh, energy_method",
    "refused": "code, text: the member can mend this herself",
}


class Reporter(Protocol):
    def report(self, event: str, **fields: Any) -> None: ...


class StreamReporter:
    """Events as lines on standard output."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def report(self, event: str, **fields: Any) -> None:
        line = json.dumps({"event": event, **_finite(fields)}, ensure_ascii=False)
        self._out.write(f"{SEPARATOR}{line}\n")
        self._out.flush()


class ConsoleReporter:
    """A progress bar and sentences, on standard error; nothing where nobody looks."""

    def __init__(self) -> None:
        self._bar: Any = None

    def report(self, event: str, **fields: Any) -> None:
        if event == "step":
            self._step(**fields)
        elif event == "progress":
            self._progress(**fields)
        elif event == "evaluation":
            numbers = ", ".join(f"{name} {value:.4g}" for name, value in fields["metrics"].items())
            self._say(f"step {fields['step']}: {numbers}")
        elif event == "sample":
            self._say(f"  {fields['source']}\n    → {fields['output']}")
        elif event in {"status", "refused"}:
            self._say(fields["text"])

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _step(self, *, step: int, of: int, loss: float, tokens_per_second: float, **_: Any) -> None:
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=of, unit="step", file=sys.stderr, disable=None)
        self._bar.total = of
        self._bar.set_postfix_str(f"loss {loss:.3f}, {tokens_per_second:.0f} tokens/s")
        self._bar.update(step - self._bar.n)

    def _progress(self, *, done: int, of: int, unit: str) -> None:
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=of, unit=unit, file=sys.stderr, disable=None, leave=False)
        self._bar.update(done - self._bar.n)

    def _say(self, text: str) -> None:
        if self._bar is not None and not self._bar.disable:
            self._bar.write(text, file=sys.stderr)
        else:
            sys.stderr.write(text + "\n")


class ProgressReporter(ConsoleReporter):
    """Only the bar: for commands whose own output is what people read."""

    def report(self, event: str, **fields: Any) -> None:
        if event == "progress":
            super().report(event, **fields)


class SilentReporter:
    def report(self, event: str, **fields: Any) -> None:
        pass


def read_stream(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Events as they are; other lines as `{"event": "log", "text": …}`."""
    for line in lines:
        text = line.rstrip("\n")
        if text.startswith(SEPARATOR):
            try:
                found = json.loads(text[1:])
            except ValueError:  # cut off by whatever ended the writer
                continue
            if isinstance(found, dict) and isinstance(found.get("event"), str):
                yield found
        else:
            yield {"event": "log", "text": text}


def _finite(value: Any) -> Any:
    """JSON has no NaN: such a number becomes null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
