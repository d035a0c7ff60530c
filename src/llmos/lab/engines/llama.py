"""Causal models through llama.cpp: chat and text, many at once in one batch.

The same engine answers calls in this process and, for `serving`, speaks HTTP by itself on
loopback. Safetensors are converted once (q8_0) and kept in the cache; GGUF runs as it is.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmos.kit.errors import Invalid
from llmos.lab.engines.engine import Engine, Generated, Message, Pieces, Sampling
from llmos.lab.engines.errors import PromptTooLong
from llmos.lab.engines.folders import ModelFolder
from llmos.lab.errors import BadModel
from llmos.lab.export import gguf
from llmos.lab.export.cache import converted
from llmos.wire.gguf import check

_CONTEXT = 8192  # tokens, where nobody says more: what the model promises may not fit in memory


@dataclass(frozen=True, slots=True)
class Behind:
    """How a llama.cpp server is reached, when it is to be: all of it on loopback."""

    key: str
    name: str


class LlamaCppEngine(Engine):
    kind = "llama_cpp"

    def __init__(
        self,
        model: ModelFolder,
        *,
        threads: int,
        cache: Path | None,
        slots: int = 1,
        context: int = _CONTEXT,
        conversations: int = 0,
        behind: Behind | None = None,
    ) -> None:
        """`slots` at once, each with `context` tokens; fewer when they take over `conversations`
        bytes of memory, if that is given.
        """
        import xllamacpp

        self.task = model.task
        self.precision = "q8_0" if model.gguf is None else "as in the file"
        file, self.adds_space = _file_of(model, cache)
        self.context = min(model.context, context)
        self.slots = _fitting(file, slots, self.context, conversations)
        params = xllamacpp.CommonParams()
        params.model.path = str(file)
        params.n_parallel = self.slots
        # Each has its own part: where one could use what others leave, all fail when it is full.
        params.kv_unified = False
        params.n_ctx = self.context * self.slots
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.verbosity = -1
        params.ui = params.endpoint_slots = params.endpoint_props = False
        params.offline = True
        params.hostnames, params.port = ["127.0.0.1"], 0
        params.cache_ram_mib = 256
        if behind:
            params.api_keys = [behind.key]
            params.model_alias = {behind.name}
        try:
            self._server = xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            raise BadModel(f"llama.cpp cannot load {file.name}: {error}") from error
        # Told to stop before its loop has begun, the server would wait for ever: one word first.
        self._server.handle_completions({"prompt": "a", "max_tokens": 1}, lambda _: None)

    @property
    def address(self) -> str:
        return str(self._server.listening_address)

    def generate(
        self, prompts: Sequence[str], *, sampling: Sampling | None = None
    ) -> list[Generated]:
        return [self._generated(prompt, sampling or Sampling()) for prompt in prompts]

    def stream(self, prompt: str, *, sampling: Sampling | None = None) -> Pieces:
        asked = {"prompt": self._spaced(prompt), **_parameters(sampling or Sampling())}
        return self._spoken(self._server.handle_completions, asked)

    def chat(self, messages: Sequence[Message], *, sampling: Sampling | None = None) -> Pieces:
        asked = {"messages": [dict(one) for one in messages], **_parameters(sampling or Sampling())}
        return self._spoken(self._server.handle_chat_completions, asked)

    def close(self) -> None:
        del self._server

    def _generated(self, prompt: str, sampling: Sampling) -> Generated:
        told: list[dict[str, Any]] = []
        asked = {"prompt": self._spaced(prompt), **_parameters(sampling)}
        self._server.handle_completions(asked, told.append)
        answer = _checked(told[-1])
        choice, usage = answer["choices"][0], answer["usage"]
        return Generated(
            choice["text"],
            choice["finish_reason"],
            usage["prompt_tokens"],
            usage["completion_tokens"],
        )

    def _spoken(self, call: Callable[..., Any], asked: dict[str, Any]) -> Pieces:
        text, finish, usage = "", "stop", {"prompt_tokens": 0, "completion_tokens": 0}
        for part in self._streamed(call, {**asked, "stream_options": {"include_usage": True}}):
            usage = part.get("usage") or usage
            for choice in part.get("choices") or []:
                finish = choice.get("finish_reason") or finish
                piece = choice.get("text") or (choice.get("delta") or {}).get("content") or ""
                if piece:
                    text += piece
                    yield piece
        return Generated(text, finish, usage["prompt_tokens"], usage["completion_tokens"])

    def _streamed(self, call: Callable[..., Any], asked: dict[str, Any]) -> Iterator[Any]:
        """Parts as they come; ending early tells the engine to stop."""
        parts: queue.Queue[Any] = queue.Queue()
        over = threading.Event()

        def heard(part: Any) -> bool:
            parts.put(part)
            return over.is_set()  # true: enough

        def work() -> None:
            try:
                call({**asked, "stream": True}, heard)
            except Exception as error:  # noqa: BLE001 - raised again where it is read
                parts.put(error)
            parts.put(None)

        threading.Thread(target=work, name="llama.cpp", daemon=True).start()
        try:
            while (part := parts.get()) is not None:
                for one in part if isinstance(part, list) else [part]:
                    yield _checked(one)
        finally:
            over.set()

    def _spaced(self, prompt: str) -> str:
        return f" {prompt}" if self.adds_space and not prompt[:1].isspace() else prompt


def _file_of(model: ModelFolder, cache: Path | None) -> tuple[Path, bool]:
    if model.gguf is not None:
        return model.gguf, False

    def make(target: Path) -> None:
        gguf.write_gguf(model.path, target / "model.gguf", precision="q8_0")

    made = converted(model.path, "gguf-q8_0", make, cache=cache)
    return made / "model.gguf", gguf.adds_space(model.path)


def _fitting(file: Path, slots: int, context: int, conversations: int) -> int:
    with file.open("rb") as opened:
        one = context * check(opened, file.stat().st_size)["bytes_per_token"]
    return max(1, min(slots, conversations // one)) if conversations and one else slots


def _parameters(sampling: Sampling) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "max_tokens": sampling.max_new,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k or -1,
        "min_p": 0.0,
        "stop": list(sampling.stop),
    }
    if sampling.seed is not None:
        asked["seed"] = sampling.seed
    return asked


def _checked(answer: Any) -> dict[str, Any]:
    if isinstance(answer, Exception):
        raise Invalid(f"llama.cpp: {answer}")
    error = answer.get("error") or (answer if "n_prompt_tokens" in answer else None)
    if error is None and answer.get("type", "").endswith("_error"):
        error = answer
    if error:
        if "n_prompt_tokens" in error:
            raise PromptTooLong(error["n_prompt_tokens"], error["n_ctx"])
        raise Invalid(str(error.get("message", error)))
    found: dict[str, Any] = answer
    return found
