"""Models in use: one way to open any model folder, whatever engine then runs it."""

from llmos.lab.engines.engine import (
    Alternative,
    Answer,
    Embedded,
    Engine,
    Generated,
    Likelihood,
    Message,
    Pieces,
    Sampling,
    Translation,
)
from llmos.lab.engines.opening import Kind, open_engine

__all__ = [
    "Alternative",
    "Answer",
    "Embedded",
    "Engine",
    "Generated",
    "Kind",
    "Likelihood",
    "Message",
    "Pieces",
    "Sampling",
    "Translation",
    "open_engine",
]
