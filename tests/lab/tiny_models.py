"""Models of a few thousand random numbers in the standard layout, for tests of what runs models."""

from pathlib import Path

import torch

from llmos.lab.nn.decoder import Decoder, DecoderConfig
from llmos.lab.nn.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from llmos.lab.nn.files import save
from llmos.lab.text import train_bpe

TEXTS = ["the cat sat on the mat", "a dog ran in the park", "forty-two apples and three pears"] * 9

CHAT = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def tiny_translator(folder: Path, *, seed: int = 0) -> Path:
    """An encoder-decoder that translates into nonsense, always the same."""
    torch.manual_seed(seed)
    tokenizer = train_bpe(TEXTS, vocabulary=320)
    config = EncoderDecoderConfig(
        tokenizer.get_vocab_size(), 32, heads=2, encoder_layers=2, decoder_layers=2, feed_forward=64
    )
    model = EncoderDecoder(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
        model.embedding.weight[config.pad] = 0
    save(model, tokenizer, folder)
    return folder


def tiny_writer(folder: Path, *, seed: int = 0, context: int = 256) -> Path:
    """A decoder that goes on with nonsense, always the same; it has a chat template."""
    torch.manual_seed(seed)
    tokenizer = train_bpe(TEXTS, vocabulary=320, ends=False)
    config = DecoderConfig(
        tokenizer.get_vocab_size(), 64, layers=2, feed_forward=96, max_positions=context
    )
    model = Decoder(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    save(model, tokenizer, folder)
    (folder / "chat_template.jinja").write_text(CHAT)
    return folder
