"""What every engine can be asked, and what it answers: the one interface of models in use.

An engine runs one model and is opened by `open_engine`. It does what its model is for and
refuses the rest with `CannotDo`. Nothing here knows a network; `serving` puts engines behind
one, the command line and the evaluation call them directly.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmos.lab.engines.errors import CannotDo

Message = Mapping[str, Any]  # {"role": "user", "content": "…"}, as chat templates read it


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen; temperature 0 always takes the likeliest."""

    max_new: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0  # 0: all
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to say it. `score` is the mean log-probability of its tokens."""

    text: str
    score: float
    tokens: tuple[str, ...] = ()
    attention: tuple[tuple[float, ...], ...] = ()  # [target token][source token], if asked for


@dataclass(frozen=True, slots=True)
class Translation:
    """The alternatives of one text, best first; `source` are its tokens as the model read them."""

    alternatives: tuple[Alternative, ...]
    source: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.alternatives[0].text


@dataclass(frozen=True, slots=True)
class Generated:
    """`finish` is "stop" when the model ended by itself, "length" when it was cut."""

    text: str
    finish: str
    prompt_tokens: int
    new_tokens: int


# A text in pieces as they are made; what the generator returns holds the whole and the counts.
Pieces = Generator[str, None, Generated]


@dataclass(frozen=True, slots=True)
class Answer:
    """A stretch of the context that answers a question: characters `start` up to `end`."""

    text: str
    score: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Embedded:
    vectors: list[list[float]] = field(repr=False)
    tokens: int


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Sum of log-probabilities of a continuation; whether greedy search would have said it.

    `cut` counts the tokens of the prompt that had to be left out, from its beginning.
    """

    logprob: float
    is_greedy: bool
    tokens: int
    cut: int = 0


class Engine:
    """One model, ready. `context` is the most tokens of one text, prompt and answer together."""

    kind: str  # "ctranslate2", "llama_cpp", "transformers" or "torch"
    task: str  # in the hub's words: "translation", "text-generation", …
    context: int
    precision: str = "float32"  # of the weights, as they are computed with
    prefix: str = ""  # stands before an empty prompt when probabilities are told

    def translate(
        self,
        texts: Sequence[str],
        *,
        beam: int = 5,
        alternatives: int = 1,
        attention: bool = False,
        max_new: int = 256,
        length_penalty: float = 1.0,
    ) -> list[Translation]:
        """Each text in the other language, or in short: whatever the model was made for.

        Raises PromptTooLong, CannotDo.
        """
        raise self._cannot("translate")

    def generate(
        self, prompts: Sequence[str], *, sampling: Sampling | None = None
    ) -> list[Generated]:
        """How each prompt goes on. Raises PromptTooLong, CannotDo."""
        raise self._cannot("continue text")

    def stream(self, prompt: str, *, sampling: Sampling | None = None) -> Pieces:
        """The same of one prompt, in pieces; closing them stops the work."""
        raise self._cannot("continue text")

    def chat(self, messages: Sequence[Message], *, sampling: Sampling | None = None) -> Pieces:
        """The next turn of a conversation, in pieces; closing them stops the work."""
        raise self._cannot("chat")

    def embed(self, texts: Sequence[str], *, normalize: bool | None = None) -> Embedded:
        """One vector for each text; `normalize` None leaves it to the model's own files."""
        raise self._cannot("embed text")

    def answer(self, question: str, context: str, *, top: int = 1) -> list[Answer]:
        """The stretches of `context` that answer best."""
        raise self._cannot("answer questions from a text")

    def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
        """How likely each (prompt, continuation) is, token by token.

        Before an empty prompt stands `prefix`, and a text longer than the context is read in
        windows. Raises PromptTooLong for a longer continuation, CannotDo.
        """
        raise self._cannot("tell probabilities")

    def close(self) -> None:
        """Give the memory back; the engine is not used afterwards."""

    def _cannot(self, deed: str) -> CannotDo:
        return CannotDo(f"A model for {self.task} run by {self.kind} cannot {deed}")
