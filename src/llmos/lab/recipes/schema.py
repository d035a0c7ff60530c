"""What a recipe may say; each field's comment is what the guides and the forms show."""

from dataclasses import dataclass, field
from typing import Literal

Task = Literal["translate", "language-model", "finetune"]


@dataclass(frozen=True, slots=True)
class DataRecipe:
    source: str = ""  # column to read (translate)
    target: str = ""  # column to write (translate)
    text: str = ""  # column of running text (language-model, finetune)
    prompt: str = ""  # column of requests (finetune); with `completion`
    completion: str = ""  # column of answers
    context: str = ""  # column of what a request is about; may be empty, stands under it
    messages: str = ""  # column of conversations: lists of role and content
    train: str = "train"  # split
    validation: str = "validation"  # split; a part of train is kept apart where there is none
    held_out: float = 0.02  # that part
    longest: int = 128  # tokens; longer rows are left out (translate) or cut (finetune)
    rows: int = 0  # use the first so many; 0 is all


@dataclass(frozen=True, slots=True)
class TokeniserRecipe:
    kind: Literal["bpe", "unigram"] = "bpe"
    vocabulary: int = 4000


@dataclass(frozen=True, slots=True)
class ModelRecipe:
    d_model: int = 128
    heads: int = 4
    kv_heads: int = 2  # decoder-only
    encoder_layers: int = 3
    decoder_layers: int = 3
    layers: int = 4  # decoder-only
    feed_forward: int = 512
    dropout: float = 0.1
    max_positions: int = 512


@dataclass(frozen=True, slots=True)
class LoraRecipe:
    """Hu et al. 2021: learn a small change of rank r beside each frozen matrix."""

    rank: int = 16  # 0 trains all weights
    alpha: int = 32
    dropout: float = 0.05


@dataclass(frozen=True, slots=True)
class OptimiserRecipe:
    name: Literal["adamw", "muon"] = "adamw"
    rate: float = 3e-3
    matrix_rate: float = 0.01  # muon: of the matrices, whose step has a norm of its own
    beta1: float = 0.9
    beta2: float = 0.98
    decay: float = 0.01
    clip: float = 1.0
    smoothing: float = 0.1  # of labels


@dataclass(frozen=True, slots=True)
class ScheduleRecipe:
    shape: Literal["linear", "cosine", "inverse-sqrt", "constant"] = "linear"
    warmup: int = 200  # steps, at most a fifth of all


@dataclass(frozen=True, slots=True)
class BatchRecipe:
    tokens: int = 2048  # with padding, in one pass of one worker
    accumulate: int = 1  # passes in a step


@dataclass(frozen=True, slots=True)
class BudgetRecipe:
    """Minutes become steps by timing the first ones; `plan` says what came of it."""

    minutes: float = 0.0
    steps: int = 0
    plan: tuple[tuple[int, int], ...] = ()  # (from this step on, so many steps in all)


@dataclass(frozen=True, slots=True)
class LookRecipe:
    """How often to measure while learning."""

    times: int = 5
    rows: int = 200  # at most, for what has to be written out
    samples: int = 4
    patience: int = 0  # looks without a better loss before stopping; 0 never stops early
    average: float = 0.1  # the last part of training whose weights are averaged; 0 for none


@dataclass(frozen=True, slots=True)
class Recipe:
    task: Task
    preset: str = ""
    base: str = ""  # the model to start from (finetune): a folder, a GGUF file or ns/name@rev
    data: DataRecipe = field(default_factory=DataRecipe)
    tokeniser: TokeniserRecipe = field(default_factory=TokeniserRecipe)
    model: ModelRecipe = field(default_factory=ModelRecipe)
    lora: LoraRecipe = field(default_factory=LoraRecipe)
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    schedule: ScheduleRecipe = field(default_factory=ScheduleRecipe)
    batch: BatchRecipe = field(default_factory=BatchRecipe)
    budget: BudgetRecipe = field(default_factory=BudgetRecipe)
    look: LookRecipe = field(default_factory=LookRecipe)
    seed: int = 1
    workers: int = 0  # processes that share each step, 0: one for each core; decides the bytes
    device: Literal["auto", "cpu", "cuda"] = "auto"  # auto takes a GPU where there is one
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto is fp32
