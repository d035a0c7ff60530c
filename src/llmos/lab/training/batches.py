"""Batches of like lengths: on a CPU the only trick that pays, since padding costs as much as text.

Order is a pure function of (seed, epoch), so a run can be taken up at any step.
"""

import random
from collections.abc import Iterator, Sequence

# Rows are sorted by length within pools this large, so that batches differ from epoch to epoch.
POOL = 10_000


def epoch_batches(
    lengths: Sequence[tuple[int, ...]], *, tokens: int, seed: int, epoch: int
) -> list[list[int]]:
    """All rows once, in batches of at most `tokens` places with padding (at least one row).

    `lengths` gives for each row the lengths of what is padded apart: (source, target).
    """
    chance = random.Random(f"{seed}/{epoch}")  # noqa: S311  # repeatable, not secret
    order = list(range(len(lengths)))
    chance.shuffle(order)
    batches: list[list[int]] = []
    for start in range(0, len(order), POOL):
        pool = sorted(order[start : start + POOL], key=lambda row: lengths[row][::-1])
        batches += bounded_batches(pool, lengths, tokens=tokens)
    chance.shuffle(batches)
    return batches


def bounded_batches(
    rows: Sequence[int], lengths: Sequence[tuple[int, ...]], *, tokens: int
) -> list[list[int]]:
    """Consecutive rows together as long as the longest times their number fits."""
    batches: list[list[int]] = []
    current: list[int] = []
    longest = 0
    for row in rows:
        widest = max(longest, *lengths[row])
        if current and widest * (len(current) + 1) > tokens:
            batches.append(current)
            current, widest = [], max(lengths[row])
        current.append(row)
        longest = widest
    return [*batches, current] if current else batches


def steps_from(
    lengths: Sequence[tuple[int, ...]], *, tokens: int, seed: int, parts: int, start: int
) -> Iterator[list[list[int]]]:
    """From step `start` on, for ever: each step is `parts` batches (workers × accumulation).

    Batches left over at the end of an epoch begin the next one's first step.
    """
    epoch, before, left = 0, 0, list[list[int]]()
    while True:
        left += epoch_batches(lengths, tokens=tokens, seed=seed, epoch=epoch)
        count = len(left) // parts
        # Skipped epochs cost their shuffle only, so resuming late is quick enough.
        if before + count > start:
            steps = alike(left[: count * parts], lengths, parts=parts, seed=seed, epoch=epoch)
            yield from steps[max(0, start - before) :]
        before, left, epoch = before + count, left[count * parts :], epoch + 1


def alike(
    batches: Sequence[list[int]],
    lengths: Sequence[tuple[int, ...]],
    *,
    parts: int,
    seed: int,
    epoch: int,
) -> list[list[list[int]]]:
    """Batches in groups of `parts` that cost the same: no worker waits for another."""
    if parts == 1:
        return [[batch] for batch in batches]
    sorted_ = sorted(batches, key=lambda batch: places(batch, lengths))
    groups = [sorted_[start : start + parts] for start in range(0, len(sorted_), parts)]
    random.Random(f"{seed}/{epoch}/groups").shuffle(groups)  # noqa: S311  # repeatable, not secret
    return groups


def places(batch: Sequence[int], lengths: Sequence[tuple[int, ...]]) -> int:
    """What a batch costs: rows × longest, over all that is padded."""
    columns = zip(*(lengths[row] for row in batch), strict=True)
    longest: int = sum(max(column) for column in columns)
    return len(batch) * longest


def padding_efficiency(lengths: Sequence[tuple[int, ...]], batches: Sequence[list[int]]) -> float:
    """Real tokens ÷ places computed, over all that is padded."""
    real = sum(sum(lengths[row]) for batch in batches for row in batch)
    return real / sum(places(batch, lengths) for batch in batches)
