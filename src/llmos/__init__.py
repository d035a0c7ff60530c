"""LLMOS: a home for people who build language models together."""

__version__ = "0.1.0"
