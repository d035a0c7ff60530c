import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmos.lab.text import EOS, PAD, train_bpe, train_unigram

TEXTS = [
    "the quick brown fox",
    "敏捷的棕色狐狸跳过懒狗",
    "der schnelle braune Fuchs",
    "2026年",
] * 10
TOKENIZERS = [train(TEXTS, vocabulary=400) for train in (train_bpe, train_unigram)]


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=["bpe", "unigram"])
@given(text=st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_every_text_comes_back_as_it_was(tokenizer, text: str) -> None:  # type: ignore[no-untyped-def]
    ids = tokenizer.encode(text).ids
    # A space is put before the first word, so that it is the same word as elsewhere.
    assert tokenizer.decode(ids).removeprefix(" ") == text.removeprefix(" ")


@pytest.mark.parametrize("train", [train_bpe, train_unigram])
def test_the_same_texts_give_the_same_tokeniser(train) -> None:  # type: ignore[no-untyped-def]
    one, other = train(TEXTS, vocabulary=350), train(TEXTS, vocabulary=350)
    assert one.to_str() == other.to_str()


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=["bpe", "unigram"])
def test_the_end_comes_first_and_padding_last(tokenizer) -> None:  # type: ignore[no-untyped-def]
    assert tokenizer.token_to_id(EOS) == 0
    assert tokenizer.token_to_id(PAD) == tokenizer.get_vocab_size() - 1
    assert tokenizer.encode("fox").ids[-1] == 0
