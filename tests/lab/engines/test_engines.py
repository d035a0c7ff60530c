"""One model, several engines: they say the same, and refuse the same."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.lab.tiny_models import tiny_translator, tiny_writer

from llmos.lab.engines import Engine, Sampling, open_engine
from llmos.lab.engines.errors import CannotDo, NoEngine, PromptTooLong
from llmos.lab.engines.folders import look
from llmos.lab.errors import BadModel, RunsCode

SOURCES = ["the cat sat", "a dog ran in the park", "forty-two apples"]

# ctranslate2 and transformers load compiled parts that warn of their own making.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_translator(tmp_path_factory.mktemp("models") / "translator")


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_writer(tmp_path_factory.mktemp("models") / "writer")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(params=["ctranslate2", "torch", "transformers"])
def any_translator(
    request: pytest.FixtureRequest, translator: Path, cache: Path
) -> Iterator[Engine]:
    engine = open_engine(
        translator, threads=1, kind=request.param, cache=cache, precision="float32"
    )
    yield engine
    engine.close()


@pytest.fixture(params=["llama_cpp", "torch", "transformers"])
def any_writer(request: pytest.FixtureRequest, writer: Path, cache: Path) -> Iterator[Engine]:
    engine = open_engine(writer, threads=1, kind=request.param, cache=cache)
    yield engine
    engine.close()


def test_every_engine_finds_the_same_best_translations(
    any_translator: Engine, translator: Path
) -> None:
    ours = open_engine(translator, threads=1, kind="torch")

    found = any_translator.translate(SOURCES, beam=4, max_new=12)

    expected = ours.translate(SOURCES, beam=4, max_new=12)
    assert [one.text for one in found] == [one.text for one in expected]


def test_alternatives_come_best_first_and_attention_covers_every_token(
    translator: Path, cache: Path
) -> None:
    engine = open_engine(translator, threads=1, cache=cache)

    (found,) = engine.translate(SOURCES[:1], beam=4, alternatives=3, attention=True, max_new=9)

    assert engine.kind == "ctranslate2"
    assert len(found.alternatives) == 3
    scores = [one.score for one in found.alternatives]
    assert scores == sorted(scores, reverse=True)
    for one in found.alternatives:
        assert [len(row) for row in one.attention] == [len(found.source)] * len(one.tokens)
        assert all(abs(sum(row) - 1) < 0.05 for row in one.attention)


def test_every_engine_goes_on_with_the_same_text(any_writer: Engine, writer: Path) -> None:
    ours = open_engine(writer, threads=1, kind="torch")
    likeliest = Sampling(max_new=6)

    found = any_writer.generate(["the cat sat on"], sampling=likeliest)[0]

    expected = ours.generate(["the cat sat on"], sampling=likeliest)[0]
    assert (found.text.strip(), found.prompt_tokens) == (
        expected.text.strip(),
        expected.prompt_tokens,
    )
    assert found.finish == "length"
    assert found.new_tokens == 6


def test_a_prompt_longer_than_the_context_is_counted_and_refused(any_writer: Engine) -> None:
    with pytest.raises(PromptTooLong, match="256"):
        any_writer.generate(["word " * 900])


def test_a_source_longer_than_the_model_reads_is_refused(any_translator: Engine) -> None:
    with pytest.raises(PromptTooLong, match="512"):
        any_translator.translate(["word " * 900])


def test_ours_and_transformers_tell_the_same_probabilities(writer: Path) -> None:
    pairs = [("the cat", " sat on the mat"), ("", "a dog ran")]
    ours, theirs = (open_engine(writer, threads=1, kind=kind) for kind in ("torch", "transformers"))

    for one, other in zip(ours.loglikelihood(pairs), theirs.loglikelihood(pairs), strict=True):
        assert one.logprob == pytest.approx(other.logprob, abs=1e-3)
        assert (one.tokens, one.is_greedy) == (other.tokens, other.is_greedy)


@pytest.mark.parametrize("kind", ["llama_cpp", "transformers"])
def test_chat_comes_in_pieces_and_stops_when_nobody_listens(
    kind: str, writer: Path, cache: Path
) -> None:
    engine = open_engine(writer, threads=1, kind=kind, cache=cache)  # type: ignore[arg-type]
    turns = [{"role": "user", "content": "hello"}]
    sampling = Sampling(max_new=200, temperature=1.0, seed=3)

    pieces = engine.chat(turns, sampling=sampling)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]

    again = "".join(engine.chat(turns, sampling=Sampling(max_new=30, temperature=1.0, seed=3)))
    assert again.strip()


def test_an_engine_says_what_it_cannot_do(translator: Path, cache: Path) -> None:
    engine = open_engine(translator, threads=1, cache=cache)

    with pytest.raises(CannotDo, match="translation"):
        engine.embed(["a"])
    with pytest.raises(CannotDo):
        engine.chat([{"role": "user", "content": "a"}])


def test_vectors_of_a_plain_encoder_are_means_over_its_words(tmp_path: Path) -> None:
    from tests.lab.tiny_models import TEXTS
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    from llmos.lab.text import train_bpe

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=train_bpe(TEXTS, vocabulary=300), pad_token="<pad>"
    )
    tokenizer.save_pretrained(tmp_path)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    BertModel(config).save_pretrained(tmp_path)
    engine = open_engine(tmp_path, threads=1)

    together = engine.embed(["the cat", "a much longer text about dogs"], normalize=True).vectors
    alone = engine.embed(["the cat"], normalize=True).vectors[0]

    assert engine.task == "feature-extraction"
    assert together[0] == pytest.approx(alone, abs=1e-5)
    assert torch.tensor(alone).norm().item() == pytest.approx(1.0, abs=1e-5)


def test_questions_are_answered_with_a_stretch_of_the_text(tmp_path: Path) -> None:
    from transformers import BertConfig, BertForQuestionAnswering, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "who", "?"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    tokenizer = BertTokenizerFast(vocab=str(tmp_path / "vocab.txt"))
    tokenizer.save_pretrained(tmp_path)
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    BertForQuestionAnswering(config).save_pretrained(tmp_path)
    context = "the cat sat " * 200

    found = open_engine(tmp_path, threads=1).answer("who sat ?", context, top=2)

    assert len(found) == 2
    assert all(context[one.start : one.end] == one.text for one in found)
    assert found[0].score >= found[1].score > 0


def test_pickles_and_code_are_refused_in_clear_words(tmp_path: Path, writer: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(RunsCode, match="safetensors"):
        look(tmp_path)

    (tmp_path / "model.safetensors").write_bytes((writer / "model.safetensors").read_bytes())
    (tmp_path / "config.json").write_text('{"architectures": ["X"], "auto_map": {"a": "b"}}')
    with pytest.raises(RunsCode, match="auto_map"):
        look(tmp_path)


def test_a_model_of_an_unknown_kind_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["WhatIsThisThing"]}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(NoEngine, match="WhatIsThisThing"):
        look(tmp_path)


def test_damaged_weights_are_refused_in_clear_words(
    tmp_path: Path, writer: Path, cache: Path
) -> None:
    for path in writer.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(BadModel, match="damaged"):
        open_engine(tmp_path, threads=1, cache=cache)


@pytest.mark.parametrize("lie", ["tensors", "outside", "text"])
def test_a_gguf_bomb_is_refused_before_anything_is_loaded(tmp_path: Path, lie: str) -> None:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    count = 2**40 if lie == "tensors" else 1
    head = b"GGUF" + struct.pack("<IQQ", 3, count, 1)
    head += text("general.architecture") + struct.pack("<I", 8)
    head += struct.pack("<Q", 2**50) if lie == "text" else text("llama")
    head += text("w") + struct.pack("<IQIQ", 1, 2**40, 0, 0)
    (tmp_path / "m.gguf").write_bytes(head)
    with pytest.raises(BadModel, match=r"m\.gguf"):
        look(tmp_path)


def test_the_conversion_is_made_once_for_the_same_content(tmp_path: Path, writer: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in writer.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    for folder in (writer, copy):
        open_engine(folder, threads=1, cache=tmp_path / "cache").close()
    assert len(list((tmp_path / "cache").iterdir())) == 1

    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "rope_theta": 20000.0}))
    open_engine(copy, threads=1, cache=tmp_path / "cache").close()
    assert len(list((tmp_path / "cache").iterdir())) == 2
