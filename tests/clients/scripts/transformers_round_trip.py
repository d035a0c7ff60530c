"""Push a tiny model and tokenizer with transformers, load them back: `… REPO CACHE`."""

import sys

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
)

repo, cache = sys.argv[1:]
torch.manual_seed(1)
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "hub", "of", "one", "'s", "own"]
tokens = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
tokens.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=tokens,
    unk_token="[UNK]",
    pad_token="[PAD]",
    cls_token="[CLS]",
    sep_token="[SEP]",
)
config = BertConfig(
    vocab_size=len(words),
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=64,
    num_labels=2,
)
model = BertForSequenceClassification(config).eval()
model.push_to_hub(repo)
tokenizer.push_to_hub(repo)

again = AutoModelForSequenceClassification.from_pretrained(repo, cache_dir=cache).eval()
tokenizer_again = AutoTokenizer.from_pretrained(repo, cache_dir=cache)
assert AutoConfig.from_pretrained(repo, cache_dir=cache).hidden_size == 32
batch = tokenizer("a hub of one 's own", return_tensors="pt")
assert (
    batch["input_ids"].tolist()
    == tokenizer_again("a hub of one 's own", return_tensors="pt")["input_ids"].tolist()
)
for name, weight in model.state_dict().items():
    assert torch.equal(weight, again.state_dict()[name]), name
with torch.no_grad():
    ours, theirs = (one(input_ids=batch["input_ids"]).logits for one in (model, again))
    assert torch.allclose(ours, theirs, atol=1e-6), (ours, theirs)
print("same logits")
