"""One measurement of `benchmarks/training.py`, in a process of its own; prints JSON last.

`python -m benchmarks.training_rates rate|curve|teach|decode NAME DATA COUNT SCRATCH [BEAMS]`
"""

import json
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from llmos.lab.recipes import Recipe, load_recipe

WARM = 4  # steps that are not timed
DECODED_AT_ONCE = 64
LONGEST = 60
TRAINER = {"default": "random", "grouped": "group_by_length"}
SIZE = {
    "preset": "small",  # d = 256, 3 + 3 layers
    "optimiser.name": "adamw",
    "optimiser.rate": 0.001,
    "batch.tokens": 2048,
    "look.times": 0,
    "look.rows": 1,
    "look.average": 0.0,
    "device": "cpu",
}


def main() -> None:
    kind, name, data, count, scratch, *more = sys.argv[1:]
    where, number = json.loads(data), int(count)
    if kind == "rate" and name in TRAINER:
        found = trainer_rate(_recipe(where, number), where["path"], number, TRAINER[name])
    elif kind == "rate":
        workers = 2 if name.endswith("2") else 1
        recipe = _recipe(where, number, workers=workers)
        found = own_rate(recipe, where["path"], passed=name.startswith("passed"))
    elif kind == "curve":
        found = curve(_recipe(where, number, workers=2), where["path"], Path(scratch) / name)
    elif kind == "teach":
        found = teach(Path(name), number)
    else:
        found = decode(Path(name), number, int(more[0]))
    sys.stdout.write(json.dumps(found) + "\n")


class Clock:
    """Hears when steps end, and with which loss. Loops are compared by the time they worked, since
    the machine may be shared; one core and two by the time that passed, since waiting counts.
    """

    def __init__(self, *, passed: bool = False) -> None:
        self._now = time.perf_counter if passed else time.process_time
        self.steps: dict[int, tuple[float, float]] = {}
        self.resumed = False

    def report(self, event: str, **fields: Any) -> None:
        if event == "step":
            self.steps[fields["step"]] = (self._now(), fields["loss"])
            sys.stdout.write(f"step {fields['step']}\n")
            sys.stdout.flush()
        self.resumed |= event == "status" and fields["text"].startswith("Going on")


def own_rate(recipe: Recipe, data: str, *, passed: bool) -> dict[str, Any]:
    from llmos.lab.training import loop
    from llmos.lab.training.batches import steps_from
    from llmos.lab.training.running import prepare, read_rows, train

    loop.REPORTS = 10**9  # every step is told
    clock = Clock(passed=passed)
    with tempfile.TemporaryDirectory() as place:
        train(recipe, data, Path(place) / "out", work=Path(place), reporter=clock)
    # The same batches again, only to count what was in them.
    full, rows, unseen = read_rows(recipe, data)
    pairs = prepare(full, rows.rows, unseen).content["pairs"]
    lengths = [(len(one), len(two)) for one, two in pairs]
    steps = steps_from(
        lengths, tokens=recipe.batch.tokens, seed=recipe.seed, parts=recipe.workers, start=0
    )
    counts = [
        sum(lengths[row][1] for batch in batches for row in batch)
        for batches in islice(steps, max(clock.steps))
    ]
    seconds = clock.steps[max(clock.steps)][0] - clock.steps[WARM][0]
    return {"tokens_per_second": sum(counts[WARM:]) / seconds}


def trainer_rate(recipe: Recipe, data: str, steps: int, sampling: str) -> dict[str, Any]:
    """Transformers' Trainer on the same pairs, with as many rows a batch as ours have."""
    import torch
    from transformers import (
        MarianMTModel,
        Seq2SeqTrainer,
        Seq2SeqTrainingArguments,
        TrainerCallback,
    )

    from llmos.lab.nn.encoder_decoder import EncoderDecoder
    from llmos.lab.nn.files import save
    from llmos.lab.training.batches import epoch_batches
    from llmos.lab.training.running import prepare, read_rows
    from llmos.lab.training.tasks import task_of

    torch.set_num_threads(1)
    full, rows, unseen = read_rows(recipe, data)
    prepared = prepare(full, rows.rows, unseen)
    task: Any = task_of(prepared)
    pairs = prepared.content["pairs"]
    batches = epoch_batches(task.lengths, tokens=recipe.batch.tokens, seed=1, epoch=0)
    times: list[float] = []
    counts: list[int] = []

    class Timer(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.process_time())

    def collated(examples: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        counts.append(sum(len(one["labels"]) for one in examples))
        return _padded(examples, task.model.config.pad)

    with tempfile.TemporaryDirectory() as place:
        assert isinstance(task.model, EncoderDecoder)
        save(task.model, task.tokeniser, Path(place))
        trainer = Seq2SeqTrainer(
            model=MarianMTModel.from_pretrained(place),
            args=Seq2SeqTrainingArguments(
                place,
                max_steps=steps,
                per_device_train_batch_size=round(len(pairs) / len(batches)),
                train_sampling_strategy=sampling,
                label_smoothing_factor=recipe.optimiser.smoothing,
                save_strategy="no",
                report_to="none",
                use_cpu=True,
                disable_tqdm=True,
            ),
            train_dataset=[{"input_ids": one, "labels": two} for one, two in pairs],
            data_collator=collated,
            callbacks=[Timer()],
        )
        trainer.train()
    # The loader may have collated batches that were not learned from.
    seconds = times[-1] - times[WARM - 1]
    return {"tokens_per_second": sum(counts[WARM : len(times)]) / seconds}


def curve(recipe: Recipe, data: str, place: Path) -> dict[str, Any]:
    from llmos.lab.training import loop
    from llmos.lab.training.running import train

    loop.REPORTS, loop.CHECKPOINT_SECONDS = 10**9, 0.0
    clock = Clock()
    trained = train(recipe, data, place / "out", work=place / "work", reporter=clock)
    return {
        "losses": {step: loss for step, (_, loss) in clock.steps.items()},
        "weights": trained.files["model.safetensors"],
        "resumed": clock.resumed,
    }


def teach(folder: Path, steps: int) -> dict[str, Any]:
    """A small translator of numerals, good enough to end its sentences."""
    from llmos.lab import numerals
    from llmos.lab.training.running import train

    numerals.write(folder.parent / "lesson")
    wish = {"data.source": "zh", "data.target": "en", "budget.steps": steps, "look.times": 0}
    with tempfile.TemporaryDirectory() as place:
        recipe = load_recipe("translate", wish)
        trained = train(
            recipe, folder.parent / "lesson", folder, work=Path(place), reporter=Clock()
        )
    return trained.metrics


def decode(folder: Path, count: int, beams: int) -> dict[str, Any]:
    """Sentences a second of both, on the same batches, after a first batch that warms up."""
    import torch
    from transformers import AutoModelForSeq2SeqLM

    from llmos.lab import numerals
    from llmos.lab.nn.decoding import Decoding, padded, translate
    from llmos.lab.nn.encoder_decoder import EncoderDecoder
    from llmos.lab.nn.files import load

    torch.set_num_threads(1)
    ours = load(folder)
    assert isinstance(ours.model, EncoderDecoder)
    model, pad, eos = ours.model, ours.model.config.pad, ours.model.config.eos
    theirs = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    texts = sorted((row["zh"] for row in islice(numerals.rows("test"), count)), key=len)
    ids = [found.ids for found in ours.tokenizer.encode_batch(texts)]
    batches = [ids[at : at + DECODED_AT_ONCE] for at in range(0, len(ids), DECODED_AT_ONCE)]

    def own(batch: list[list[int]]) -> list[list[int]]:
        found = translate(model, batch, Decoding(beams=beams, max_new=LONGEST))
        return [best[0].tokens for best in found]

    def generated(batch: list[list[int]]) -> list[list[int]]:
        source, real = padded(batch, pad)
        with torch.no_grad():
            out = theirs.generate(
                input_ids=source,
                attention_mask=real.long(),
                num_beams=beams,
                max_new_tokens=LONGEST,
                do_sample=False,
                early_stopping=False,
            )
        return [[token for token in row if token not in {pad, eos}] for row in out.tolist()]

    said = {}
    seconds = {}
    for name, work in (("ours", own), ("transformers", generated)):
        work(batches[0])
        start = time.perf_counter()
        said[name] = [text for batch in batches for text in work(batch)]
        seconds[name] = time.perf_counter() - start
    same = sum(map(list.__eq__, said["ours"], said["transformers"])) / len(ids)
    return {**{name: len(ids) / spent for name, spent in seconds.items()}, "same": same}


def _recipe(data: dict[str, str], steps: int, workers: int = 1) -> Recipe:
    columns = {"data.source": data["source"], "data.target": data["target"]}
    return load_recipe("translate", {**SIZE, **columns, "budget.steps": steps, "workers": workers})


def _padded(examples: list[dict[str, list[int]]], pad: int) -> dict[str, Any]:
    import torch

    from llmos.lab.nn.decoding import padded

    source, real = padded([one["input_ids"] for one in examples], pad)
    labels, wanted = padded([one["labels"] for one in examples], pad)
    start = labels.new_full((len(examples), 1), pad)
    return {
        "input_ids": source,
        "attention_mask": real.long(),
        "decoder_input_ids": torch.cat([start, labels[:, :-1]], dim=1),
        "labels": torch.where(wanted, labels, -100),
    }


if __name__ == "__main__":
    main()
