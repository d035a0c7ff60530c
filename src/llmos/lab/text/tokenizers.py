"""Byte-level BPE and unigram tokenisers that give every text back as it was.

Trained by the `tokenizers` library, saved as the `tokenizer.json` that transformers loads.
The end token comes first and padding last, as Marian has them: the last row of the embedding
is the zero vector from which every target starts.
"""

import io
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

EOS, UNKNOWN, PAD = "</s>", "<unk>", "<pad>"

# A word longer than this is data by accident (a base64 line), and costs quadratic time.
LONGEST_TEXT = 20_000


def train_bpe(texts: Iterable[str], *, vocabulary: int = 4000, ends: bool = True) -> Tokenizer:
    """Byte-level BPE (Sennrich et al. 2016, over bytes): no text is unknown to it.

    `ends` closes every encoded text with the end token, as sources of the encoder-decoder need.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=max(vocabulary - 1, len(alphabet) + 2),
        special_tokens=[EOS, UNKNOWN],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(_bounded(texts), trainer)
    return _finished(tokenizer, ends=ends)


def train_unigram(texts: Iterable[str], *, vocabulary: int = 4000, ends: bool = True) -> Tokenizer:
    """Unigram language model (Kudo 2018) over bytes: keeps the likeliest pieces of the text.

    The pieces come from sentencepiece with one thread: the trainer of `tokenizers` gives other
    scores at each run, and then no model could be rebuilt.
    """
    level = pre_tokenizers.ByteLevel(add_prefix_space=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = Counter(
        word for text in _bounded(texts) for word, _place in level.pre_tokenize_str(text)
    )
    found = _likeliest_pieces(words, alphabet, max(vocabulary - 1, len(alphabet) + 2))
    seen = {piece for piece, _score in found}
    lowest = min(score for _piece, score in found) - 10.0
    rest = [(letter, lowest) for letter in alphabet if letter not in seen]
    pieces = [(EOS, 0.0), (UNKNOWN, 0.0), *found, *rest]
    tokenizer = Tokenizer(models.Unigram(pieces, 1, False))
    tokenizer.pre_tokenizer, tokenizer.decoder = level, decoders.ByteLevel()
    tokenizer.add_special_tokens([EOS, UNKNOWN])
    return _finished(tokenizer, ends=ends)


def _likeliest_pieces(
    words: Counter[str], alphabet: list[str], vocabulary: int
) -> list[tuple[str, float]]:
    from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

    model = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as table:
        table.writelines(f"{word}\t{count}\n" for word, count in sorted(words.items()))
        table.flush()
        SentencePieceTrainer.train(
            input=table.name,
            input_format="tsv",
            model_writer=model,
            model_type="unigram",
            vocab_size=vocabulary,
            hard_vocab_limit=False,
            num_threads=1,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            add_dummy_prefix=False,
            split_by_whitespace=False,
            split_by_unicode_script=False,
            split_by_number=False,
            required_chars="".join(alphabet),
            character_coverage=1.0,
            bos_id=-1,
            minloglevel=2,
        )
    trained = SentencePieceProcessor(model_proto=model.getvalue())
    return [
        (trained.id_to_piece(number), round(trained.get_score(number), 4))
        for number in range(trained.get_piece_size())
        if not trained.is_control(number) and not trained.is_unknown(number)
    ]


def train(
    kind: Literal["bpe", "unigram"], texts: Iterable[str], *, vocabulary: int, ends: bool = True
) -> Tokenizer:
    chosen = train_bpe if kind == "bpe" else train_unigram
    return chosen(texts, vocabulary=vocabulary, ends=ends)


def _finished(tokenizer: Tokenizer, *, ends: bool) -> Tokenizer:
    tokenizer.add_special_tokens([PAD])
    if ends:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"$A {EOS}", special_tokens=[(EOS, tokenizer.token_to_id(EOS))]
        )
    return tokenizer


def _bounded(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield text[:LONGEST_TEXT]
