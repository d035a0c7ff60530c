"""Putting questions to an engine, some hundred at a time, and keeping what it says to each."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from llmos.lab.benchmarks import Benchmark
from llmos.lab.engines import Engine, Sampling
from llmos.lab.engines.causal import NoNumber
from llmos.lab.engines.errors import PromptTooLong
from llmos.lab.evaluation.questions import Question

_AT_ONCE = 256
TOO_LONG = "longer than the model can read"

Say = Callable[[Sequence[Question]], list[str]]
Told = Callable[[int], None]  # how many are answered


@dataclass(frozen=True, slots=True)
class Said:
    output: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Likely:
    """Log-probabilities of the choices (or of the text alone) and their tokens."""

    logprobs: tuple[float, ...]
    tokens: tuple[int, ...]
    cut: int = 0  # tokens of the prompt left out


def ask(
    engine: Engine, benchmark: Benchmark, questions: Sequence[Question], told: Told
) -> list[Said]:
    """What the engine says to each. A question too long for it is answered with nothing."""
    say = _way_to_say(engine, benchmark)
    found: list[Said] = []
    for some in _parts(questions):
        found += _said(say, some)
        told(len(found))
    return found


def weigh(
    engine: Engine, benchmark: Benchmark, questions: Sequence[Question], told: Told
) -> list[Likely]:
    """How likely each choice is, or of language-modelling the text itself."""
    found: list[Likely] = []
    for some in _parts(questions):
        pairs = [pair for question in some for pair in _pairs(benchmark, question)]
        likelihoods = iter(engine.loglikelihood(pairs))
        for question in some:
            own = [next(likelihoods) for _ in _pairs(benchmark, question)]
            found.append(
                Likely(
                    logprobs=tuple(round(one.logprob, 6) for one in own),
                    tokens=tuple(one.tokens for one in own),
                    cut=max(one.cut for one in own),
                )
            )
        told(len(found))
    return found


def _pairs(benchmark: Benchmark, question: Question) -> list[tuple[str, str]]:
    if benchmark.task == "language-modelling":
        return [("", question.source)]
    return [(question.prompt, benchmark.delimiter + choice) for choice in question.choices]


def _said(say: Say, questions: Sequence[Question]) -> list[Said]:
    """All at once, or one by one where one of them is too long."""
    try:
        return [Said(_writable(text)) for text in say(questions)]
    except PromptTooLong:
        if len(questions) == 1:
            return [Said("", TOO_LONG)]
    middle = len(questions) // 2
    return _said(say, questions[:middle]) + _said(say, questions[middle:])


def _way_to_say(engine: Engine, benchmark: Benchmark) -> Say:
    decoding = benchmark.decoding
    sampling = Sampling(
        max_new=decoding.max_new,
        temperature=decoding.temperature,
        top_p=decoding.top_p,
        top_k=decoding.top_k,
        seed=decoding.seed,
        stop=decoding.stop,
    )

    def translate(questions: Sequence[Question]) -> list[str]:
        found = engine.translate(
            [question.source for question in questions],
            beam=decoding.beam,
            max_new=decoding.max_new,
            length_penalty=decoding.length_penalty,
        )
        if any(math.isnan(one.alternatives[0].score) for one in found):
            raise NoNumber
        return [one.text for one in found]

    def write(questions: Sequence[Question]) -> list[str]:
        causal = engine.task == "text-generation"
        prompts = [one.prompt if causal else one.source for one in questions]
        return [one.text for one in engine.generate(prompts, sampling=sampling)]

    def chat(questions: Sequence[Question]) -> list[str]:
        return [
            "".join(engine.chat([{"role": "user", "content": one.prompt}], sampling=sampling))
            for one in questions
        ]

    def find(questions: Sequence[Question]) -> list[str]:
        answers = [engine.answer(one.source, one.context) for one in questions]
        return [found[0].text if found else "" for found in answers]

    if engine.task == "question-answering":
        return find
    if engine.task == "text-generation":
        return chat if benchmark.chat else write
    return write if decoding.temperature > 0 else translate


def _parts(questions: Sequence[Question]) -> Iterator[Sequence[Question]]:
    for start in range(0, len(questions), _AT_ONCE):
        yield questions[start : start + _AT_ONCE]


def _writable(text: str) -> str:
    """Half a letter cannot be written down as UTF-8; models do say such things."""
    return text.encode("utf-8", "replace").decode()
