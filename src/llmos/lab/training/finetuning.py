"""Teaching a causal model that exists something new; transformers loads it, peft adapts it."""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from torch import Tensor, nn

from llmos.lab.errors import BadData
from llmos.lab.recipes.schema import Recipe
from llmos.lab.training.bases import fingerprint, model_of, tokeniser_of
from llmos.lab.training.batches import bounded_batches
from llmos.lab.training.conversations import Message, conversation_of
from llmos.lab.training.losses import smoothed_cross_entropy
from llmos.lab.training.tasks import Prepared, Sample, parameters_of

Row = dict[str, Any]
Example = tuple[list[int], list[int]]  # token ids, and the same with what is not to be learned
IGNORED = -100
ANSWER_TOKENS = 48  # of a sample


def prepare(recipe: Recipe, rows: Sequence[Row], validation: Sequence[Row]) -> Prepared:
    """Write each row in the model's own chat format; only answers are to be learned.

    Raises BadData, BadModel.
    """
    base = Path(recipe.base)
    tokeniser = tokeniser_of(base)
    found = [_examples(tokeniser, recipe, row) for row in rows]
    useful = [example for examples in found for example in examples if _teaches(example)]
    if not useful:
        raise BadData(
            f"No row has an answer within {recipe.data.longest} tokens: nothing to learn from. "
            "Raise data.longest, or look at which columns hold the answers."
        )
    checked = [one for row in validation for one in _examples(tokeniser, recipe, row)]
    talks = [] if recipe.data.text else [conversation_of(row, recipe.data) for row in validation]
    content = {
        "base": fingerprint(base),
        "examples": useful,
        "validation": [one for one in checked if _teaches(one)] or useful[-1:],
        "conversations": [talk for talk in talks if _is_answered(talk)][: recipe.look.samples],
    }
    left_out = sum(not any(map(_teaches, examples)) for examples in found)
    skipped = {"without an answer in reach": left_out} if left_out else {}
    return Prepared("finetune", recipe, content, skipped)


class Finetuning:
    def __init__(self, prepared: Prepared) -> None:
        self.recipe, content = prepared.recipe, prepared.content
        self.examples: list[Example] = content["examples"]
        self.unseen: list[Example] = content["validation"]
        self.conversations: list[list[Message]] = content["conversations"]
        self.lengths: list[tuple[int, ...]] = [(len(ids),) for ids, _ in self.examples]
        base = Path(self.recipe.base)
        self.tokeniser = tokeniser_of(base)
        torch.manual_seed(self.recipe.seed)
        model = model_of(base)
        self.parameters = parameters_of(model)
        self.model = _adapted(model, self.recipe).to(self.recipe.device)

    def loss(self, rows: list[int]) -> tuple[Tensor, int]:
        return self._loss([self.examples[row] for row in rows], self.recipe.optimiser.smoothing)

    @torch.no_grad()
    def validation(self, part: int, parts: int) -> tuple[float, int]:
        self.model.eval()
        lengths = [(len(ids),) for ids, _ in self.unseen]
        order = sorted(range(len(lengths)), key=lambda row: lengths[row])
        total, count = 0.0, 0
        for batch in bounded_batches(order, lengths, tokens=self.recipe.batch.tokens)[part::parts]:
            loss, tokens = self._loss([self.unseen[row] for row in batch], 0.0)
            total, count = total + loss.item(), count + tokens
        self.model.train()
        return total, count

    @torch.no_grad()
    def look(self, loss: float) -> tuple[dict[str, float], list[Sample]]:
        """Perplexity of answers, and answers to the first few requests."""
        self.model.eval()
        samples = [self._answered(messages) for messages in self.conversations]
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

    def _answered(self, messages: list[Message]) -> Sample:
        model: Any = self.model
        request, answer = messages[:-1], messages[-1]["content"]
        ids = _opening(self.tokeniser) + _ids(
            self.tokeniser, _written(self.tokeniser, request, open_=True)
        )
        tokens = torch.tensor([ids[-self.recipe.data.longest :]], device=self.recipe.device)
        out = model.generate(
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
            max_new_tokens=ANSWER_TOKENS,
            do_sample=False,
            pad_token_id=self.tokeniser.pad_token_id or self.tokeniser.eos_token_id,
        )
        said = self.tokeniser.decode(out[0, tokens.shape[1] :], skip_special_tokens=True)
        return Sample(request[-1]["content"][:400], answer[:400], said)

    def _loss(self, examples: list[Example], smoothing: float) -> tuple[Tensor, int]:
        width = max(len(ids) for ids, _ in examples)
        # Padding stands right of all that looks at it, and its loss is ignored: any token will do.
        tokens = torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in examples])
        labels = torch.tensor([ids + [IGNORED] * (width - len(ids)) for _, ids in examples])
        real = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in examples])
        device = self.recipe.device
        logits = self.model(
            input_ids=tokens.to(device), attention_mask=real.to(device), use_cache=False
        ).logits[:, :-1]
        wanted = labels[:, 1:].to(device)
        chosen = wanted != IGNORED
        loss = smoothed_cross_entropy(logits[chosen], wanted[chosen], smoothing)
        return loss, int(chosen.sum())


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
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5 by a name that is going away.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        adapted: nn.Module = get_peft_model(model, config)
    return adapted


def _examples(tokeniser: Any, recipe: Recipe, row: Row) -> list[Example]:
    """A text in pieces of which all is learned, or a conversation of which the answers are."""
    longest = recipe.data.longest
    if recipe.data.text:
        ids = _opening(tokeniser) + _ids(tokeniser, str(row[recipe.data.text]))
        if tokeniser.eos_token_id is not None:
            ids.append(tokeniser.eos_token_id)
        pieces = [ids[start : start + longest] for start in range(0, len(ids), longest)]
        return [(piece, list(piece)) for piece in pieces]
    ids, labels = _labelled(tokeniser, conversation_of(row, recipe.data))
    return [(ids[:longest], labels[:longest])]


def _labelled(tokeniser: Any, messages: list[Message]) -> Example:
    """Each message is tokenised apart, so that one knows where an answer begins and ends."""
    ids = _opening(tokeniser)
    labels = [IGNORED] * len(ids)
    written = ""
    for number, message in enumerate(messages):
        answers = message["role"] == "assistant"
        ahead = _written(tokeniser, messages[: number + (not answers)], open_=answers)
        done = _written(tokeniser, messages[: number + 1], open_=False)
        for text, learned in ((ahead, False), (done, answers)):
            if text.startswith(written) and len(text) > len(written):
                new = _ids(tokeniser, text[len(written) :])
                ids += new
                labels += new if learned else [IGNORED] * len(new)
                written = text
    return ids, labels


def _written(tokeniser: Any, messages: list[Message], *, open_: bool) -> str:
    """A conversation in the model's own format, or plainly where it has none."""
    if not messages:
        return ""
    if tokeniser.chat_template:
        try:
            return str(
                tokeniser.apply_chat_template(messages, tokenize=False, add_generation_prompt=open_)
            )
        except TemplateError as error:
            roles = ", ".join(message["role"] for message in messages)
            raise BadData(
                f"The model's chat template does not take a conversation of {roles}: {error}"
            ) from error
    end = tokeniser.eos_token or "\n"
    return "".join(
        message["content"] + (end if message["role"] == "assistant" else "\n")
        for message in messages
    )


def _opening(tokeniser: Any) -> list[int]:
    """The token that begins every text of this model; a chat template writes its own."""
    if tokeniser.chat_template:
        return []
    bos = tokeniser.bos_token_id
    return [bos] if bos is not None and tokeniser("")["input_ids"][:1] == [bos] else []


def _ids(tokeniser: Any, text: str) -> list[int]:
    found: list[int] = tokeniser(text, add_special_tokens=False)["input_ids"]
    return found


def _teaches(example: Example) -> bool:
    """Whether a token after the first is to be learned: the first follows from nothing."""
    return any(label != IGNORED for label in example[1][1:])


def _is_answered(messages: list[Message]) -> bool:
    return len(messages) > 1 and messages[-1]["role"] == "assistant"
