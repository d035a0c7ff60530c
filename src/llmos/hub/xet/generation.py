"""The generation of Xet storage: a number in its address, raised when content is removed.

Clients remember for weeks which chunks they have uploaded to an address and never ask
again. A new address makes them forget, so nothing that they count on is missed.
"""

from time import time

import orjson

from llmos.kit.files import written_whole
from llmos.kit.home import home_from_environment

_NAME = "generation"


def generation() -> int:
    return _read()[0]


def raised_at() -> float:
    """When the generation was raised last (Unix seconds); 0 when never."""
    return _read()[1]


def raise_generation() -> int:
    """Give storage a new address; tokens given out before keep theirs until they expire."""
    number = generation() + 1
    with written_whole(home_from_environment().xorbs / _NAME) as file:
        file.write(orjson.dumps([number, time()]))
    return number


def _read() -> tuple[int, float]:
    try:
        number, moment = orjson.loads((home_from_environment().xorbs / _NAME).read_bytes())
    except FileNotFoundError:
        return 1, 0.0
    return int(number), float(moment)
