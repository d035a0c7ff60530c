"""The Transformer, written to be read; start with `attention.py`, then `encoder_decoder.py`.

Shapes stand beside tensors: b sentences in a batch, s source tokens, t target tokens, d the
width of the model, h heads, v the vocabulary.
"""
