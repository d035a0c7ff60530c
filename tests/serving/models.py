"""Tiny random models of every kind that engines run, as repositories of a hub."""

from pathlib import Path

import torch
from huggingface_hub import HfApi
from tests.lab.tiny_models import CHAT, TEXTS, tiny_translator, tiny_writer

from llmos.lab.nn.decoder import Decoder, DecoderConfig
from llmos.lab.nn.files import save
from llmos.lab.text import train_bpe

WRITER, SLOW, OTHER = "ada/writer", "ada/slow-writer", "ada/other-writer"
TRANSLATOR, EMBEDDER, READER = "ada/translator", "ada/embedder", "ada/reader"


def slow_writer(folder: Path) -> Path:
    """Large enough that a test can do something while it writes."""
    torch.manual_seed(1)
    tokenizer = train_bpe(TEXTS, vocabulary=320, ends=False)
    size = tokenizer.get_vocab_size()
    config = DecoderConfig(size, 512, layers=6, feed_forward=1024, max_positions=8192)
    save(Decoder(config).eval(), tokenizer, folder)
    (folder / "chat_template.jinja").write_text(CHAT)
    return folder


def other_writer(folder: Path) -> Path:
    """A causal model that llama.cpp cannot be given, so transformers runs it."""
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    torch.manual_seed(2)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=train_bpe(TEXTS, vocabulary=320, ends=False), eos_token="</s>"
    )
    tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(folder)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=32,
        n_layer=1,
        n_head=2,
        n_positions=128,
        eos_token_id=0,
        bos_token_id=0,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def embedder(folder: Path) -> Path:
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(3)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=train_bpe(TEXTS, vocabulary=300), pad_token="<pad>"
    )
    tokenizer.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    BertModel(config).save_pretrained(folder)
    (folder / "README.md").write_text("---\npipeline_tag: feature-extraction\nlicense: mit\n---\n")
    return folder


def reader(folder: Path) -> Path:
    from transformers import BertConfig, BertForQuestionAnswering, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "who", "?"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    BertForQuestionAnswering(config).save_pretrained(folder)
    return folder


MAKERS = {
    WRITER: tiny_writer,
    SLOW: slow_writer,
    OTHER: other_writer,
    TRANSLATOR: tiny_translator,
    EMBEDDER: embedder,
    READER: reader,
}


def push(api: HfApi, name: str, folder: Path, *, private: bool = False) -> None:
    api.create_repo(name, private=private, exist_ok=True)
    api.upload_folder(repo_id=name, folder_path=folder)
