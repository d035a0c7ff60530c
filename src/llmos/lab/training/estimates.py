"""What a training run will take, before it starts: arithmetic on the recipe, no torch.

Time is work divided by speed. The work of a step is counted in operations, 6 for each weight
that a token meets (2 forward, 4 backward: Kaplan et al. 2020, section 2.1) and those of Muon's
iterations; the speed is that of the hub's own last runs, or else a measured rule of thumb.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from llmos.lab.recipes.schema import ModelRecipe, Recipe

# Operations a second that one core really does here. Measured with one worker (docs/lab-notes.md):
# 70e9 at d = 128 and 112e9 at d = 256 on a server of 2023, 32e9 and 45e9 on one of 2021.
OPERATIONS_PER_CORE = 50e9
# Matrices narrower than this keep a core half as busy as wider ones.
WIDE = 256
DEFAULT_MINUTES = 10.0
START_SECONDS = 8.0  # to import torch, and to save at the end
ROWS_PER_SECOND = 10_000  # read and cut into tokens
# What a worker takes before it has a model: torch, transformers, its allocator.
WORKER_BYTES = 600e6
NEWTON_STEPS = 5  # of Muon, three products each


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended, from its job: what was carried out, and how long it took."""

    recipe: Recipe
    steps: int
    seconds: float
    base_parameters: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    seconds: float  # of wall time, preparation included
    steps: int
    epochs: float  # how often each row is read
    memory_bytes: int  # at most, all workers together
    parameters: int
    how: str  # a sentence for people


def estimate(
    recipe: Recipe,
    rows: int,
    mean_tokens: float,
    cores: int,
    *,
    base_parameters: int = 0,
    runs: Sequence[Run] = (),
) -> Estimate:
    """What `recipe` will take on `rows` rows of `mean_tokens` tokens each, with `cores` workers.

    For translation `mean_tokens` is the mean of the longer side. `finetune` wants the number of
    weights of its base. With `runs` the speed is that of these (the median), else a rule's.
    """
    workers = recipe.workers or cores
    parameters = _parameters(recipe) or base_parameters
    # Workers beyond the cores take turns.
    speed, how = _speed(recipe, runs)
    per_step = work_of_a_step(recipe, base_parameters) * max(1.0, workers / cores) / speed
    ready = START_SECONDS + rows / ROWS_PER_SECOND
    if recipe.budget.plan or recipe.budget.steps:
        steps = recipe.budget.plan[-1][1] if recipe.budget.plan else recipe.budget.steps
        seconds = ready + steps * per_step
    else:
        seconds = (recipe.budget.minutes or DEFAULT_MINUTES) * 60
        steps = max(1, int((seconds - ready) / per_step))
    read = steps * workers * recipe.batch.tokens * recipe.batch.accumulate
    return Estimate(
        seconds=seconds,
        steps=steps,
        epochs=read / max(1.0, rows * mean_tokens),
        memory_bytes=int(workers * _memory(recipe, parameters, rows * mean_tokens)),
        parameters=parameters,
        how=how,
    )


def tokens_in(text: str) -> float:
    """About how many tokens of a vocabulary of some thousand a text has.

    A word has five letters and one or two tokens; a Chinese character is about one.
    """
    han = sum("\u3400" <= letter <= "\u9fff" for letter in text)
    return han + (len(text) - han) / 4 + 1


def work_of_a_step(recipe: Recipe, base_parameters: int = 0) -> float:
    """Operations of one worker in one step."""
    tokens = recipe.batch.tokens * recipe.batch.accumulate
    if recipe.task == "finetune":
        # LoRA needs no gradients of the frozen matrices: 4 operations a weight.
        return (4 if recipe.lora.rank else 6) * base_parameters * tokens
    iterations = sum(_newton(*shape) for shape in _matrices(recipe.model, recipe.task))
    extra = iterations if recipe.optimiser.name == "muon" else 0
    return 6 * _met(recipe) * tokens + extra


def _speed(recipe: Recipe, runs: Sequence[Run]) -> tuple[float, str]:
    """Operations a second of one worker, and how that is known."""
    alike = [run for run in runs if run.recipe.task == recipe.task and run.seconds > START_SECONDS]
    if alike:
        speeds = [
            work_of_a_step(run.recipe, run.base_parameters)
            * run.steps
            / (run.seconds - START_SECONDS)
            for run in alike
        ]
        runs_told = "an earlier run" if len(alike) == 1 else f"{len(alike)} earlier runs"
        return median(speeds), f"From the speed of {runs_told} on this hub."
    narrow = recipe.task != "finetune" and recipe.model.d_model < WIDE
    return (
        OPERATIONS_PER_CORE * (0.65 if narrow else 1.0),
        "From a rule of thumb for a core of a present-day server; it may be off by two times.",
    )


def _parameters(recipe: Recipe) -> int:
    """Of a model from scratch, as its class counts them; 0 where the base decides."""
    if recipe.task == "finetune":
        return 0
    model = recipe.model
    matrices = _matrices(model, recipe.task)
    found = recipe.tokeniser.vocabulary * model.d_model + sum(
        high * wide for high, wide in matrices
    )
    if recipe.task == "language-model":
        return found + (2 * model.layers + 1) * model.d_model  # norms
    biases = sum(high for high, _ in matrices)
    norms = (2 * model.encoder_layers + 3 * model.decoder_layers) * 2 * model.d_model
    return found + biases + norms


def _met(recipe: Recipe) -> int:
    """Weights that a token is multiplied with: all matrices and the projection."""
    matrices = sum(high * wide for high, wide in _matrices(recipe.model, recipe.task))
    return matrices + recipe.tokeniser.vocabulary * recipe.model.d_model


def _matrices(model: ModelRecipe, task: str) -> list[tuple[int, int]]:
    """(rows, columns) of each matrix in the layers."""
    wide, inner = model.d_model, model.feed_forward
    if task == "language-model":
        shared = 2 * wide * model.kv_heads // model.heads
        return [
            (wide, wide), (shared, wide), (wide, wide),
            (inner, wide), (inner, wide), (wide, inner),
        ] * model.layers  # fmt: skip
    attention = [(wide, wide), (2 * wide, wide), (wide, wide)]
    feed_forward = [(inner, wide), (wide, inner)]
    encoder = (attention + feed_forward) * model.encoder_layers
    return encoder + (2 * attention + feed_forward) * model.decoder_layers


def _newton(high: int, wide: int) -> float:
    """Operations of Muon's iterations on one matrix: X Xᵀ, its square, and their product with X."""
    short, long = min(high, wide), max(high, wide)
    return NEWTON_STEPS * (4 * short**2 * long + 2 * short**3)


def _memory(recipe: Recipe, parameters: int, tokens: float) -> float:
    """Bytes of one worker at most: weights, their gradients and means, a batch, the data."""
    model, at_once = recipe.model, recipe.batch.tokens
    data = tokens * 2 * 36  # lists of whole numbers, both sides
    if recipe.task == "finetune":
        # LoRA keeps no means of frozen weights, but each adapter a copy of what it read: measured
        # 8.4e9 to 9.9e9 bytes against 6.5e9 for 135e6 weights and 2048 tokens.
        copies, kept = (2, 50) if recipe.lora.rank else (6, 20)
        layers: float = 30 * (parameters / 135e6) ** 0.4
        wide: float = (parameters / layers / 12) ** 0.5
        return WORKER_BYTES + 4 * parameters * copies + at_once * layers * kept * wide * 4 + data
    layers = (
        model.layers
        if recipe.task == "language-model"
        else (model.encoder_layers + 2 * model.decoder_layers)
    )
    kept = layers * (7 * model.d_model + 2 * model.feed_forward) * 4
    logits = 2 * recipe.tokeniser.vocabulary * 4
    return WORKER_BYTES + 4 * parameters * 7 + at_once * (kept + logits) + data
