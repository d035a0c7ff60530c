"""Models in use: against transformers, and what our server adds to the engine alone."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench import Bench
from benchmarks.prompts import made_up_words, sentences
from benchmarks.report import Measurement
from benchmarks.small_chat import chat_model
from benchmarks.streams import Place, rate, stream

CHAT_GAINS = {1: 5.0, 8: 2.8}  # over transformers in 32-bit numbers, by streams
OVERHEAD_PERCENT = 5
FIRST_TOKEN_MS = 150
TRANSLATION_GAIN = 4.0
TOKENS, ROUNDS, PAIRS = 64, 3, 9
SENTENCES, SENTENCE_TOKENS, VOCABULARY = 64, 32, 8000


def measure(bench: Bench) -> Iterator[Measurement]:
    folder = chat_model(bench.folder)
    name = bench.repository("smollm2")
    bench.hub.api.upload_folder(repo_id=name, folder_path=folder)
    end = json.loads((folder / "config.json").read_text())["eos_token_id"]
    hub = Place(f"{bench.hub.url}/v1", bench.hub.token, name, end)
    tokens = bench.scaled(TOKENS, least=16)
    stream(hub, 1)  # converts and loads
    yield _first_token(hub, bench)
    with engine_alone(folder, bench.folder, name, end) as alone:
        for streams in CHAT_GAINS:
            yield _overhead(alone, hub, streams, tokens, bench.scaled(PAIRS, least=3))
    for streams, gain in CHAT_GAINS.items():
        ours = median(rate(hub, streams=streams, tokens=tokens) for _ in range(ROUNDS))
        theirs = median(_transformers("chat", folder, streams, tokens))
        yield Measurement(
            f"chat, {streams} at once: tokens a second against transformers",
            ours / theirs,
            "x",
            limit=gain,
            at_least=True,
            detail={"ours": ours, "transformers": theirs, "tokens": tokens},
        )
    yield _translation(bench)


def _first_token(hub: Place, bench: Bench) -> Measurement:
    seconds = [stream(hub, 2).first_s for _ in range(bench.scaled(20, least=5))]
    detail = {"slowest_ms": max(seconds) * 1000}
    return Measurement(
        "chat, engine warm: first token",
        median(seconds) * 1000,
        "ms",
        FIRST_TOKEN_MS,
        detail=detail,
    )


def _overhead(alone: Place, hub: Place, streams: int, tokens: int, pairs: int) -> Measurement:
    """Pairs, one right after the other, so that a busier minute slows both."""
    ratios, engine, through = [], [], []
    for number in range(pairs):
        order = (alone, hub) if number % 2 else (hub, alone)
        rates = {place: rate(place, streams=streams, tokens=tokens) for place in order}
        ratios.append(rates[alone] / rates[hub])
        engine.append(rates[alone])
        through.append(rates[hub])
    return Measurement(
        f"chat, {streams} at once: what our server adds to the engine",
        (median(ratios) - 1) * 100,
        "%",
        limit=OVERHEAD_PERCENT,
        detail={"engine": median(engine), "hub": median(through), "ratios": ratios},
    )


@contextmanager
def engine_alone(folder: Path, scratch: Path, name: str, end: int) -> Iterator[Place]:
    """The very engine process that the hub starts, asked without the hub."""
    from llmos.serving.config import ServingSettings
    from llmos.serving.engine_process import LIFELINE_VARIABLE

    settings, key = ServingSettings(), "bench"
    asked = {
        "folder": str(folder),
        "cache": str(scratch / "engine-cache"),
        "name": name,
        "key": key,
        "threads": len(os.sched_getaffinity(0)),
        "slots": settings.slots,
        "context": settings.context,
        "conversations": settings.conversations_mb * 2**20,
    }
    lifeline, held = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "llmos.serving.engine_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, LIFELINE_VARIABLE: str(lifeline)},
        pass_fds=[lifeline],
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asked).encode())
        process.stdin.close()
        told = json.loads(process.stdout.readline())
        place = Place(f"{told['address']}/v1", key, name, end)
        stream(place, 1)
        yield place
    finally:
        process.terminate()
        process.wait(30)
        for descriptor in (lifeline, held):
            os.close(descriptor)


def _translation(bench: Bench) -> Measurement:
    """Sentences a second through the hub, all in one request, against one batch of generate."""
    folder, name = _translator(bench.folder / "translator"), bench.repository("translator")
    bench.hub.api.upload_folder(repo_id=name, folder_path=folder)
    count = bench.scaled(SENTENCES, least=16)
    _translate(bench, name, 2)
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        _translate(bench, name, count)
        seconds.append(time.perf_counter() - start)
    ours = count / median(seconds)
    theirs = median(_transformers("translate", folder, count, SENTENCE_TOKENS))
    return Measurement(
        "translation, d=256 3+3 layers, beam 5: sentences a second against transformers",
        ours / theirs,
        "x",
        limit=TRANSLATION_GAIN,
        at_least=True,
        detail={"ours": ours, "transformers": theirs, "sentences": count},
    )


def _translator(folder: Path) -> Path:
    """Of the size that the project trains; what it says is chance, and takes as long as sense."""
    import torch

    from llmos.lab.nn.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
    from llmos.lab.nn.files import save
    from llmos.lab.text import train_bpe

    torch.manual_seed(0)
    tokenizer = train_bpe([*sentences(500), *made_up_words(20_000)], vocabulary=VOCABULARY)
    config = EncoderDecoderConfig(
        tokenizer.get_vocab_size(),
        256,
        heads=4,
        encoder_layers=3,
        decoder_layers=3,
        feed_forward=1024,
    )
    save(EncoderDecoder(config).eval(), tokenizer, folder)
    return folder


def _translate(bench: Bench, name: str, count: int) -> None:
    body: dict[str, Any] = {
        "inputs": sentences(count),
        "parameters": {"generate_parameters": {"num_beams": 5, "max_new_tokens": SENTENCE_TOKENS}},
    }
    connection = http.client.HTTPConnection("127.0.0.1", bench.hub.port, timeout=600)
    headers = {**bench.hub.authorization, "Content-Type": "application/json"}
    connection.request("POST", f"/models/{name}", json.dumps(body), headers)
    answer = connection.getresponse()
    told = answer.read()
    connection.close()
    if answer.status != 200 or len(json.loads(told)) != count:
        raise RuntimeError(f"{answer.status}: {told[:500]!r}")


def _transformers(kind: str, folder: Path, streams: int, tokens: int) -> list[float]:
    arguments = [kind, str(folder), str(streams), str(tokens), str(ROUNDS)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.transformers_rates", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    rates: list[float] = json.loads(done.stdout.splitlines()[-1])
    return rates
