"""Teaching a causal model that exists something new; transformers loads it, peft adapts it."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from llmos.lab.errors import BadData, BadModel
from llmos.lab.nn.files import read_config
from llmos.lab.recipes.schema import Recipe
from llmos.lab.training.batches import bounded_batches
from llmos.lab.training.conversations import conversation_of
from llmos.lab.training.tasks import Prepared, Sample

Row = dict[str, Any]
IGNORED = -100  # a place whose token is not to be learned


def prepare(recipe: Recipe, rows: Sequence[Row], validation: Sequence[Row]) -> Prepared:
    """Write each row in the model's own chat format; only answers are to be learned.

    Raises BadData, BadModel.
    """
    tokeniser = tokeniser_of(Path(recipe.base))
    examples = [_encoded(tokeniser, recipe, row) for row in rows]
    useful = [example for example in examples if any(label >= 0 for label in example[1])]
    if not useful:
        raise BadData(
            f"No row has an answer within {recipe.data.longest} tokens: nothing to learn from"
        )
    checked = [_encoded(tokeniser, recipe, row) for row in validation]
    content = {
        "examples": useful,
        "validation": [one for one in checked if any(label >= 0 for label in one[1])]
        or useful[-1:],
        "conversations": [
            conversation_of(row, recipe.data) for row in validation[: recipe.look.samples]
        ],
    }
    left_out = len(examples) - len(useful)
    skipped = {"without an answer in reach": left_out} if left_out else {}
    return Prepared("finetune", recipe, content, skipped)


class Finetuning:
    def __init__(self, prepared: Prepared) -> None:
        self.recipe, content = prepared.recipe, prepared.content
        self.examples: list[tuple[list[int], list[int]]] = content["examples"]
        self.unseen: list[tuple[list[int], list[int]]] = content["validation"]
        self.conversations = content["conversations"]
        self.lengths: list[tuple[int, ...]] = [(len(ids),) for ids, _ in self.examples]
        base = Path(self.recipe.base)
        self.tokeniser = tokeniser_of(base)
        torch.manual_seed(self.recipe.seed)
        self.model = _adapted(model_of(base), self.recipe)

    def loss(self, rows: list[int]) -> tuple[Tensor, int]:
        return self._loss([self.examples[row] for row in rows])

    @torch.no_grad()
    def validation(self, part: int, parts: int) -> tuple[float, int]:
        self.model.eval()
        lengths = [(len(ids),) for ids, _ in self.unseen]
        order = sorted(range(len(lengths)), key=lambda row: lengths[row])
        total, count = 0.0, 0
        for batch in bounded_batches(order, lengths, tokens=self.recipe.batch.tokens)[part::parts]:
            loss, tokens = self._loss([self.unseen[row] for row in batch])
            total, count = total + loss.item(), count + tokens
        self.model.train()
        return total, count

    @torch.no_grad()
    def look(self, loss: float) -> tuple[dict[str, float], list[Sample]]:
        """Perplexity of answers, and answers to the first few requests."""
        model: Any = self.model.eval()
        samples = []
        for messages in self.conversations:
            request, answer = messages[:-1], messages[-1]["content"]
            ids = self.tokeniser(_written(self.tokeniser, request, open_=True))["input_ids"]
            tokens = torch.tensor([ids[-self.recipe.data.longest :]])
            out = model.generate(
                input_ids=tokens,
                attention_mask=torch.ones_like(tokens),
                max_new_tokens=48,
                do_sample=False,
                pad_token_id=self.tokeniser.pad_token_id or self.tokeniser.eos_token_id,
            )
            said = self.tokeniser.decode(out[0, tokens.shape[1] :], skip_special_tokens=True)
            asked = request[-1]["content"] if request else ""
            samples.append(Sample(asked[:400], answer[:400], said))
        self.model.train()
        return {"perplexity": round(math.exp(min(50.0, loss)), 4)}, samples

    def save(self, folder: Path) -> None:
        """The whole model, the change laid into its matrices."""
        model: Any = self.model.eval()
        if self.recipe.lora.rank:
            model = model.merge_and_unload()
        folder.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(folder)
        self.tokeniser.save_pretrained(folder)

    def _loss(self, examples: list[tuple[list[int], list[int]]]) -> tuple[Tensor, int]:
        width = max(len(ids) for ids, _ in examples)
        pad = self.tokeniser.pad_token_id or 0
        tokens = torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in examples])
        labels = torch.tensor(
            [labels + [IGNORED] * (width - len(labels)) for _, labels in examples]
        )
        real = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in examples])
        logits = self.model(input_ids=tokens, attention_mask=real).logits[:, :-1]
        wanted = labels[:, 1:]
        chosen = wanted != IGNORED
        loss = F.cross_entropy(logits[chosen].float(), wanted[chosen], reduction="sum")
        return loss, int(chosen.sum())


def tokeniser_of(base: Path) -> Any:
    """The tokeniser of a model folder or of a GGUF file."""
    from transformers import AutoTokenizer

    if base.suffix == ".gguf":
        return AutoTokenizer.from_pretrained(base.parent, gguf_file=base.name)
    return AutoTokenizer.from_pretrained(base, trust_remote_code=False)


def model_of(base: Path) -> nn.Module:
    """A causal model in fp32; of a GGUF file its weights, no longer quantised. Raises BadModel."""
    from transformers import AutoModelForCausalLM

    try:
        if base.suffix == ".gguf":
            loaded = AutoModelForCausalLM.from_pretrained(base.parent, gguf_file=base.name)
            # A model that came out of a GGUF file refuses to be saved; a fresh one does not.
            config = type(loaded.config)(**loaded.config.to_dict())
            fresh: nn.Module = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
            fresh.load_state_dict(loaded.state_dict())
            return fresh
        read_config(base)
        model: nn.Module = AutoModelForCausalLM.from_pretrained(
            base, dtype=torch.float32, trust_remote_code=False, use_safetensors=True
        )
    except (OSError, ValueError, KeyError) as error:
        raise BadModel(f"{base.name} cannot be loaded as a causal model: {error}") from error
    return model


def _adapted(model: nn.Module, recipe: Recipe) -> nn.Module:
    if not recipe.lora.rank:
        return model
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=recipe.lora.rank,
        lora_alpha=recipe.lora.alpha,
        lora_dropout=recipe.lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    adapted: nn.Module = get_peft_model(model, config)
    return adapted


def _encoded(tokeniser: Any, recipe: Recipe, row: Row) -> tuple[list[int], list[int]]:
    """Token ids of a conversation, and the same with all but answers ignored."""
    if recipe.data.text:
        ids = tokeniser(str(row[recipe.data.text]))["input_ids"][: recipe.data.longest]
        return ids, list(ids)
    messages = conversation_of(row, recipe.data)
    ids, labels = list[int](), list[int]()
    written = ""
    for number, message in enumerate(messages):
        answers = message["role"] == "assistant"
        ahead = _written(tokeniser, messages[: number + (not answers)], open_=answers)
        done = _written(tokeniser, messages[: number + 1], open_=False)
        for text, learned in ((ahead, False), (done, answers)):
            if text.startswith(written) and len(text) > len(written):
                new = tokeniser(text[len(written) :], add_special_tokens=False)["input_ids"]
                ids += new
                labels += new if learned else [IGNORED] * len(new)
                written = text
    return ids[: recipe.data.longest], labels[: recipe.data.longest]


def _written(tokeniser: Any, messages: list[dict[str, str]], *, open_: bool) -> str:
    """A conversation in the model's own format, or plainly where it has none."""
    if not messages:
        return ""
    if tokeniser.chat_template:
        text = tokeniser.apply_chat_template(messages, tokenize=False, add_generation_prompt=open_)
        return str(text)
    end = tokeniser.eos_token or "\n"
    plain = "".join(
        message["content"] + (end if message["role"] == "assistant" else "\n")
        for message in messages
    )
    return plain
