"""Learning to translate from pairs of sentences, tokeniser included."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from llmos.lab.errors import BadData
from llmos.lab.nn.decoding import Decoding, padded, translate
from llmos.lab.nn.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from llmos.lab.nn.files import save
from llmos.lab.recipes.schema import Recipe
from llmos.lab.text.tokenizers import train
from llmos.lab.training.batches import bounded_batches
from llmos.lab.training.losses import smoothed_cross_entropy
from llmos.lab.training.tasks import Prepared, Sample, parameters_of

Row = dict[str, Any]


def prepare(recipe: Recipe, rows: Sequence[Row], validation: Sequence[Row]) -> Prepared:
    """Tokenise the pairs. Rows too long or without words are left out and counted.

    Raises BadData when nothing is left to learn from.
    """
    data = recipe.data
    _refuse_copies(recipe, rows)
    tokeniser = train(
        recipe.tokeniser.kind,
        (str(row[column]) for row in rows for column in (data.source, data.target)),
        vocabulary=recipe.tokeniser.vocabulary,
    )
    pairs = _encoded(tokeniser, rows, data.source, data.target)
    fitting = [pair for pair in pairs if max(map(len, pair)) <= data.longest]
    if not fitting:
        raise BadData(
            f"All {len(pairs)} pairs are longer than {data.longest} tokens: raise data.longest, "
            "or cut the texts into sentences"
        )
    checked = _encoded(tokeniser, validation, data.source, data.target)
    content = {
        "tokeniser": tokeniser.to_str(),
        "pairs": fitting,
        # One row is enough to see that learning works; it says nothing of unseen ones.
        "validation": [pair for pair in checked if max(map(len, pair)) <= data.longest]
        or fitting[-1:],
        "texts": [
            (str(row[data.source]), str(row[data.target])) for row in validation[: recipe.look.rows]
        ],
    }
    left_out = len(pairs) - len(fitting)
    skipped = {f"longer than {data.longest} tokens": left_out} if left_out else {}
    return Prepared("translate", recipe, content, skipped)


class Translation:
    def __init__(self, prepared: Prepared) -> None:
        recipe, content = prepared.recipe, prepared.content
        self.recipe = recipe
        self.tokeniser = Tokenizer.from_str(content["tokeniser"])
        self.pairs: list[tuple[list[int], list[int]]] = content["pairs"]
        self.unseen: list[tuple[list[int], list[int]]] = content["validation"]
        self.texts = content["texts"]
        self.lengths: list[tuple[int, ...]] = [(len(one), len(two)) for one, two in self.pairs]
        torch.manual_seed(recipe.seed)
        self.model = EncoderDecoder(
            EncoderDecoderConfig(
                vocabulary=self.tokeniser.get_vocab_size(),
                d_model=recipe.model.d_model,
                heads=recipe.model.heads,
                encoder_layers=recipe.model.encoder_layers,
                decoder_layers=recipe.model.decoder_layers,
                feed_forward=recipe.model.feed_forward,
                dropout=recipe.model.dropout,
                max_positions=recipe.model.max_positions,
            )
        ).to(recipe.device)
        self.parameters = parameters_of(self.model)

    def loss(self, rows: list[int]) -> tuple[Tensor, int]:
        return self._loss([self.pairs[row] for row in rows], self.recipe.optimiser.smoothing)

    @torch.no_grad()
    def validation(self, part: int, parts: int) -> tuple[float, int]:
        self.model.eval()
        lengths = [(len(one), len(two)) for one, two in self.unseen]
        order = sorted(range(len(lengths)), key=lambda row: lengths[row])
        total, count = 0.0, 0
        for batch in bounded_batches(order, lengths, tokens=4096)[part::parts]:
            loss, tokens = self._loss([self.unseen[row] for row in batch], 0.0)
            total, count = total + loss.item(), count + tokens
        self.model.train()
        return total, count

    def look(self, loss: float) -> tuple[dict[str, float], list[Sample]]:
        """BLEU of greedy translations, and the first few of them."""
        from sacrebleu import corpus_bleu

        if not self.texts:
            return {}, []
        outputs = self.translate([source for source, _ in self.texts])
        targets = [target for _, target in self.texts]
        tokenise = "zh" if _is_chinese("".join(targets[:20])) else "13a"
        score = corpus_bleu(outputs, [targets], tokenize=tokenise).score
        samples = [
            Sample(source, target, output)
            for (source, target), output in zip(self.texts, outputs, strict=True)
        ]
        return {"bleu": round(score, 3)}, samples[: self.recipe.look.samples]

    @torch.no_grad()
    def translate(self, texts: Sequence[str], how: Decoding | None = None) -> list[str]:
        self.model.eval()
        longest = self.recipe.data.longest
        sources = [tokens.ids[:longest] for tokens in self.tokeniser.encode_batch(list(texts))]
        order = sorted(range(len(sources)), key=lambda row: len(sources[row]))
        found = [""] * len(sources)
        how = how or Decoding(max_new=longest)
        for start in range(0, len(order), 64):
            rows = order[start : start + 64]
            best = translate(self.model, [sources[row] for row in rows], how)
            for row, hypotheses in zip(rows, best, strict=True):
                found[row] = self.tokeniser.decode(hypotheses[0].tokens).strip()
        self.model.train()
        return found

    def save(self, folder: Path) -> None:
        save(self.model.eval(), self.tokeniser, folder)

    def _loss(
        self, pairs: list[tuple[list[int], list[int]]], smoothing: float
    ) -> tuple[Tensor, int]:
        device = self.model.embedding.weight.device
        pad = self.model.config.pad
        source, real = padded([one for one, _ in pairs], pad, device=device)
        target, wanted = padded([two for _, two in pairs], pad, device=device)
        hidden = self.model.hidden(source, real, self.model.shifted(target))
        # Projecting real places only spares a third of the work of the largest matrix.
        logits = self.model.project(hidden[wanted])  # (tokens, v)
        return smoothed_cross_entropy(logits, target[wanted], smoothing), logits.shape[0]


def _encoded(
    tokeniser: Tokenizer, rows: Sequence[Row], source: str, target: str
) -> list[tuple[list[int], list[int]]]:
    sources = tokeniser.encode_batch([str(row[source]) for row in rows])
    targets = tokeniser.encode_batch([str(row[target]) for row in rows])
    return [(one.ids, two.ids) for one, two in zip(sources, targets, strict=True)]


def _refuse_copies(recipe: Recipe, rows: Sequence[Row]) -> None:
    """Names and numbers stay as they are in a translation; most rows do not."""
    source, target = recipe.data.source, recipe.data.target
    same = sum(row[source] == row[target] for row in rows)
    if len(rows) > 1 and same * 2 > len(rows):
        raise BadData(
            f"{source!r} and {target!r} hold the same text in {same} of {len(rows)} rows: there is "
            "nothing to translate. Look at which columns hold the two languages."
        )


def _is_chinese(text: str) -> bool:
    han = sum("\u4e00" <= letter <= "\u9fff" for letter in text)
    return han * 3 > len(text)
