"""What transformers' own `generate` makes in a second: the measure that engines are held against.

`python -m benchmarks.transformers_rates chat|translate FOLDER STREAMS TOKENS ROUNDS` prints JSON.
"""

import json
import sys
import time
from pathlib import Path

from benchmarks.prompts import QUESTION, sentences


def main() -> None:
    kind, folder, streams, tokens, rounds = sys.argv[1:]
    measure = {"chat": chat_rates, "translate": translation_rates}[kind]
    rates = measure(Path(folder), int(streams), int(tokens), int(rounds))
    sys.stdout.write(json.dumps(rates) + "\n")


def chat_rates(folder: Path, streams: int, tokens: int, rounds: int) -> list[float]:
    """New tokens a second, `streams` conversations as one batch, in 32-bit numbers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    read = tokenizer.apply_chat_template(
        [[{"role": "user", "content": QUESTION}]] * streams,
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    options = {"max_new_tokens": tokens, "min_new_tokens": tokens, "do_sample": False}
    return _rates(lambda: model.generate(**read, **options), streams * tokens, rounds)


def translation_rates(folder: Path, count: int, tokens: int, rounds: int) -> list[float]:
    """Sentences a second, all of one length in one batch, beam 5."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()
    read = tokenizer(sentences(count), padding=True, return_tensors="pt")
    options = {"max_new_tokens": tokens, "num_beams": 5, "do_sample": False}
    inputs = {name: read[name] for name in ("input_ids", "attention_mask")}
    return _rates(lambda: model.generate(**inputs, **options), count, rounds)


def _rates(work, made: int, rounds: int) -> list[float]:  # type: ignore[no-untyped-def]
    import torch

    found = []
    with torch.no_grad():
        work()  # the first call is slower
        for _ in range(rounds):
            start = time.perf_counter()
            work()
            found.append(made / (time.perf_counter() - start))
    return found


if __name__ == "__main__":
    main()
