"""Learning a language from running text, cut into blocks without padding."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from llmos.lab.errors import BadData
from llmos.lab.nn.decoder import Decoder, DecoderConfig
from llmos.lab.nn.decoding import Decoding, continue_text
from llmos.lab.nn.files import save
from llmos.lab.recipes.schema import Recipe
from llmos.lab.text.tokenizers import EOS, train
from llmos.lab.training.losses import smoothed_cross_entropy
from llmos.lab.training.tasks import Prepared, Sample, parameters_of

Row = dict[str, Any]
LOOK_TOKENS = 100_000  # of unseen text are enough to know the loss to two digits


def prepare(recipe: Recipe, rows: Sequence[Row], validation: Sequence[Row]) -> Prepared:
    """Tokenise all texts and pack them end to end. Raises BadData when they fill no block."""
    column = recipe.data.text
    texts = [str(row[column]) for row in rows]
    tokeniser = train(
        recipe.tokeniser.kind, texts, vocabulary=recipe.tokeniser.vocabulary, ends=False
    )
    checked = [str(row[column]) for row in validation]
    block = recipe.data.longest + 1  # each token but the last is read, each but the first written
    blocks = _packed(tokeniser, texts, block)
    if not blocks:
        raise BadData(f"The text has less than {block} tokens: too little to learn from")
    content = {
        "tokeniser": tokeniser.to_str(),
        "blocks": blocks,
        "validation": _packed(tokeniser, checked, block)[: LOOK_TOKENS // block] or blocks[-1:],
        "prompts": [text for text in checked if text.strip()][: recipe.look.samples],
    }
    return Prepared("language-model", recipe, content, {})


class Language:
    def __init__(self, prepared: Prepared) -> None:
        recipe, content = prepared.recipe, prepared.content
        self.recipe = recipe
        self.tokeniser = Tokenizer.from_str(content["tokeniser"])
        self.blocks = torch.tensor(content["blocks"])  # (rows, block)
        self.unseen = torch.tensor(content["validation"])
        self.prompts: list[str] = content["prompts"]
        self.lengths: list[tuple[int, ...]] = [(self.blocks.shape[1] - 1,)] * len(self.blocks)
        torch.manual_seed(recipe.seed)
        self.model = Decoder(
            DecoderConfig(
                vocabulary=self.tokeniser.get_vocab_size(),
                d_model=recipe.model.d_model,
                heads=recipe.model.heads,
                kv_heads=recipe.model.kv_heads,
                layers=recipe.model.layers,
                feed_forward=recipe.model.feed_forward,
                max_positions=recipe.model.max_positions,
            )
        ).to(recipe.device)
        self.parameters = parameters_of(self.model)

    def loss(self, rows: list[int]) -> tuple[Tensor, int]:
        return self._loss(self.blocks[rows], self.recipe.optimiser.smoothing)

    @torch.no_grad()
    def validation(self, part: int, parts: int) -> tuple[float, int]:
        self.model.eval()
        total, count = 0.0, 0
        for blocks in self.unseen.split(32)[part::parts]:
            loss, tokens = self._loss(blocks, 0.0)
            total, count = total + loss.item(), count + tokens
        self.model.train()
        return total, count

    def look(self, loss: float) -> tuple[dict[str, float], list[Sample]]:
        """Perplexity, and how it goes on from the beginnings of unseen texts."""
        self.model.eval()
        samples = []
        for text in self.prompts:
            tokens = self.tokeniser.encode(text).ids
            head = tokens[: min(16, max(1, len(tokens) // 2))]
            best = continue_text(self.model, [head], Decoding(max_new=32))[0][0]
            begin = self.tokeniser.decode(head)
            samples.append(Sample(begin, text[:400], self.tokeniser.decode(best.tokens)))
        self.model.train()
        return {"perplexity": round(math.exp(min(50.0, loss)), 4)}, samples

    def save(self, folder: Path) -> None:
        save(self.model.eval(), self.tokeniser, folder)

    def _loss(self, blocks: Tensor, smoothing: float) -> tuple[Tensor, int]:
        blocks = blocks.to(self.model.embedding.weight.device)
        logits = self.model(blocks[:, :-1]).flatten(0, 1)  # (b · n, v)
        wanted = blocks[:, 1:].flatten()
        return smoothed_cross_entropy(logits, wanted, smoothing), wanted.numel()


def _packed(tokeniser: Tokenizer, texts: Sequence[str], block: int) -> list[list[int]]:
    """Texts end to end, each closed by the end token, cut into blocks that overlap by one."""
    end = int(tokeniser.token_to_id(EOS) or 0)
    stream: list[int] = []
    for start in range(0, len(texts), 1000):
        for found in tokeniser.encode_batch(list(texts[start : start + 1000])):
            stream += [*found.ids, end]
    return [stream[place : place + block] for place in range(0, len(stream) - block + 1, block - 1)]
