"""What models are asked while they are measured."""

import random

QUESTION = "Tell me a story about a lighthouse keeper who finds a message in a bottle."
_WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen".split()


def sentences(count: int) -> list[str]:
    """Short ones of like length, no two the same."""
    size = len(_WORDS)
    return [
        " ".join(_WORDS[(number * 7 + place * (number % 5 + 1)) % size] for place in range(12))
        for number in range(count)
    ]


def made_up_words(count: int) -> list[str]:
    """Enough for a tokeniser to find pieces in; always the same."""
    chance = random.Random(1)  # noqa: S311 - no secret
    letters = "abcdefghijklmnopqrstuvwxyz"
    return ["".join(chance.choices(letters, k=chance.randint(3, 9))) for _ in range(count)]
