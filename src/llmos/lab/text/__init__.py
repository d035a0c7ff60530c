"""Tokenisers: text to numbers and back, trained on one's own data, for any script."""

from llmos.lab.text.tokenizers import EOS, PAD, UNKNOWN, train_bpe, train_unigram

__all__ = ["EOS", "PAD", "UNKNOWN", "train_bpe", "train_unigram"]
