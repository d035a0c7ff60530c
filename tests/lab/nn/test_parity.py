"""Our Transformers against torch's attention and transformers' Marian and Llama."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from llmos.lab.nn.attention import MultiHeadAttention, attend, attend_fused, causal_mask
from llmos.lab.nn.decoder import Decoder, DecoderConfig
from llmos.lab.nn.decoding import Decoding, continue_text, narrowed, padded, translate
from llmos.lab.nn.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from llmos.lab.nn.files import load, save
from llmos.lab.text import train_bpe

TEXTS = ["two small dogs run", "一只狗在跑", "the cat sleeps 😀", "zwei kleine Hunde"] * 5
TOKENIZER = train_bpe(TEXTS, vocabulary=300)
SIZE = TOKENIZER.get_vocab_size()


def seq2seq(seed: int = 0) -> EncoderDecoder:
    torch.manual_seed(seed)
    config = EncoderDecoderConfig(SIZE, d_model=32, heads=4, feed_forward=48, max_positions=64)
    return EncoderDecoder(config).eval()


def causal(*, tied: bool = True) -> Decoder:
    torch.manual_seed(0)
    config = DecoderConfig(
        SIZE, d_model=32, heads=4, kv_heads=2, layers=2, feed_forward=48, tied=tied
    )
    model = Decoder(config).eval()
    for weight in model.parameters():  # as far from uniform as a trained model's
        torch.nn.init.normal_(weight, std=0.3)
    return model


SOURCES = [TOKENIZER.encode(text).ids for text in TEXTS[:4]]


def test_attention_written_out_equals_the_fused_kernel_and_torchs_own_module() -> None:
    torch.manual_seed(1)
    query, key, value = torch.randn(3, 2, 4, 5, 8).unbind(0)
    mask = causal_mask(5, 5)
    assert torch.allclose(
        attend(query, key, value, mask), attend_fused(query, key, value, mask), atol=1e-6
    )
    ours, theirs = MultiHeadAttention(16, 4), torch.nn.MultiheadAttention(16, 4, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key_value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key_value.bias]))
        theirs.out_proj.load_state_dict(ours.output.state_dict())
    x, memory = torch.randn(2, 3, 16), torch.randn(2, 7, 16)
    expected, shares = theirs(x, memory, memory)
    assert torch.allclose(ours(x, memory), expected, atol=1e-6)
    assert torch.allclose(ours.shares(x, memory), shares, atol=1e-6)


def test_our_encoder_decoder_has_marians_logits_both_ways(tmp_path: Path) -> None:
    model = seq2seq()
    save(model, TOKENIZER, tmp_path / "ours")
    theirs = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "ours").eval()
    source, real = padded(SOURCES, model.config.pad)
    target = source.flip(0)
    shifted = model.shifted(target)
    with torch.no_grad():
        expected = theirs(
            input_ids=source, attention_mask=real.long(), decoder_input_ids=shifted
        ).logits
        found = model(source, real, shifted)
    assert torch.allclose(found, expected, atol=2e-5)

    theirs.save_pretrained(tmp_path / "theirs")
    TOKENIZER.save(str(tmp_path / "theirs/tokenizer.json"))
    again = load(tmp_path / "theirs").model
    with torch.no_grad():
        assert torch.equal(again(source, real, shifted), found)


@pytest.mark.parametrize("tied", [True, False])
def test_our_decoder_has_llamas_logits_both_ways(tmp_path: Path, tied: bool) -> None:
    model = causal(tied=tied)
    save(model, TOKENIZER, tmp_path / "ours")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "ours").eval()
    tokens, real = padded(SOURCES, model.config.pad)
    with torch.no_grad():
        expected = theirs(input_ids=tokens, attention_mask=real.long()).logits
        found = model(tokens, real)
    assert torch.allclose(found[real], expected[real], atol=1e-4)

    theirs.save_pretrained(tmp_path / "theirs", max_shard_size="20KB")
    TOKENIZER.save(str(tmp_path / "theirs/tokenizer.json"))
    again = load(tmp_path / "theirs").model
    with torch.no_grad():
        assert torch.equal(again(tokens, real), found)


def test_transformers_reads_our_tokeniser(tmp_path: Path) -> None:
    save(seq2seq(), TOKENIZER, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for text in TEXTS[:4]:
        assert tokenizer(text)["input_ids"] == TOKENIZER.encode(text).ids
        assert (
            tokenizer.decode(TOKENIZER.encode(text).ids, skip_special_tokens=True).strip() == text
        )
    assert tokenizer.eos_token_id == 0
    assert tokenizer.pad_token_id == SIZE - 1


def test_greedy_and_beam_search_find_what_transformers_finds(tmp_path: Path) -> None:
    model = seq2seq(3)
    save(model, TOKENIZER, tmp_path)
    theirs = AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval()
    for beams, penalty in ((1, 1.0), (3, 1.0), (3, 0.0), (4, 2.0)):
        how = Decoding(beams=beams, length_penalty=penalty, max_new=12)
        found = translate(model, SOURCES, how)
        for tokens, hypotheses in zip(SOURCES, found, strict=True):
            expected = theirs.generate(
                input_ids=torch.tensor([tokens]),
                num_beams=beams,
                length_penalty=penalty,
                max_length=13,
                early_stopping=False,
                do_sample=False,
            )[0].tolist()
            kept = [token for token in expected if token not in {0, SIZE - 1}]
            assert hypotheses[0].tokens == kept


def test_the_cache_changes_nothing() -> None:
    model = seq2seq()
    source, real = padded(SOURCES, model.config.pad)
    target = model.shifted(source)
    with torch.no_grad():
        whole = model(source, real, target)
        state = model.begin(source, real)
        for place in range(target.shape[1]):
            step = model.step(target[:, place : place + 1], state)
            assert torch.allclose(step[:, :-1], whole[:, place, :-1], atol=1e-5)


def test_prompts_of_different_lengths_continue_as_they_do_alone() -> None:
    model = causal()
    how = Decoding(max_new=8)
    together = continue_text(model, SOURCES, how)
    alone = [continue_text(model, [prompt], how)[0] for prompt in SOURCES]
    assert [one[0].tokens for one in together] == [one[0].tokens for one in alone]


def test_sampling_repeats_with_its_seed_and_keeps_to_top_k() -> None:
    model = causal()
    how = Decoding(max_new=10, temperature=1.5, top_k=5, top_p=0.9, seed=7)
    assert continue_text(model, SOURCES, how) == continue_text(model, SOURCES, how)
    only_best = Decoding(max_new=10, temperature=1.0, top_k=1)
    greedy = continue_text(model, SOURCES, Decoding(max_new=10))
    assert [one[0].tokens for one in continue_text(model, SOURCES, only_best)] == [
        one[0].tokens for one in greedy
    ]


def test_top_p_leaves_the_fewest_tokens_that_reach_it() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05], [0.97, 0.01, 0.01, 0.01]]).log()
    kept = narrowed(logits, 0, 0.75).isfinite()
    assert kept.tolist() == [[True, True, False, False], [True, False, False, False]]
    assert narrowed(logits, 3, 1.0).isfinite().sum(-1)[0] == 3


def test_alternatives_come_best_first_and_differ() -> None:
    found = translate(seq2seq(), SOURCES, Decoding(beams=4, alternatives=3, max_new=10))
    for hypotheses in found:
        scores = [one.score for one in hypotheses]
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(one.tokens) for one in hypotheses}) == len(hypotheses)


def test_padding_stays_the_zero_vector_while_learning() -> None:
    model = seq2seq().train()
    source, real = padded(SOURCES, model.config.pad)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(source, real, model.shifted(source)).pow(2).mean().backward()
    optimiser.step()
    assert model.embedding.weight[model.config.pad].abs().max() == 0


def test_alignment_rows_are_shares() -> None:
    model = seq2seq()
    source, real = padded(SOURCES, model.config.pad)
    shares = model.alignment(source, real, model.shifted(source))
    assert shares.shape == (4, source.shape[1], source.shape[1])
    assert torch.allclose(shares.sum(-1), torch.ones(4, source.shape[1]), atol=1e-5)
    assert (shares.masked_select(~real[:, None, :].expand_as(shares)) == 0).all()
