"""The Transformer, written to be read. In this order:

1. `attention.py`: the one idea; masks, several heads, the cache of keys and values
2. `positions.py`: how a token knows where it stands
3. `encoder_decoder.py`: the model of "Attention Is All You Need", which translates
4. `decoder.py`: its sibling of today, which writes on and chats; what is the same is shared
5. `decoding.py`: from next-token logits to text: greedy, beams, sampling

`marian.py`, `llama.py` and `files.py` only carry weights to and from the layouts of other tools.
The tests (`tests/lab/nn`) hold both models equal to those of transformers, number by number. How
they learn stands in `lab/training/loop.py`.

Shapes stand beside tensors: b rows in a batch, s source tokens, t target tokens, n tokens of
either, q queries, k keys, d the width of the model, h heads, d_k = d / h the width of one, v the
vocabulary.
"""
