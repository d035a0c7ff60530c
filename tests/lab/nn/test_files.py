import json
from pathlib import Path

import pytest
import torch

from llmos.lab.errors import BadModel, RunsCode
from llmos.lab.nn.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from llmos.lab.nn.files import load, save
from llmos.lab.text import train_bpe

TOKENIZER = train_bpe(["a small text"], vocabulary=260)


def saved(folder: Path) -> Path:
    torch.manual_seed(0)
    config = EncoderDecoderConfig(TOKENIZER.get_vocab_size(), d_model=16, heads=2, feed_forward=32)
    save(EncoderDecoder(config), TOKENIZER, folder)
    return folder


def test_equal_models_give_equal_bytes(tmp_path: Path) -> None:
    one, other = saved(tmp_path / "one"), saved(tmp_path / "other")
    names = sorted(path.name for path in one.iterdir())
    assert names == [
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
        "tokenizer_config.json",
    ]  # fmt: skip
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    found = load(saved(tmp_path / "m"))
    save(found.model, found.tokenizer, tmp_path / "again")
    before, after = (tmp_path / name / "model.safetensors" for name in ("m", "again"))
    assert before.read_bytes() == after.read_bytes()


def test_pickles_and_code_are_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "m")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(RunsCode, match=r"pytorch_model\.bin"):
        load(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "x.Y"}}))
    with pytest.raises(RunsCode, match="auto_map"):
        load(folder)


@pytest.mark.parametrize("cut", [0, 7, 100, -5])
def test_damaged_weights_are_told_in_words(tmp_path: Path, cut: int) -> None:
    folder = saved(tmp_path / "m")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:cut])
    with pytest.raises(BadModel, match="damaged"):
        load(folder)


def test_weights_that_do_not_fit_their_configuration_are_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"encoder_layers": 4}))
    with pytest.raises(BadModel, match=r"hold no model\.encoder\.layers\.3"):
        load(folder)
    with pytest.raises(BadModel, match=r"no config\.json"):
        load(tmp_path)
