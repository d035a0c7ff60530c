"""A child of the supervisor: `python -m llmos.web.child PRELOAD MODULE …` runs MODULE.

It ends with its parent: the parent holds the other end of a pipe, and when the kernel
closes that, whatever killed the parent, this process tells itself to stop.
"""

import importlib
import os
import runpy
import sys

from llmos.kit.lifeline import HELD_LIFELINE_VARIABLE, end_with_parent
from llmos.kit.loading import uncollected
from llmos.web.supervisor import GATE_VARIABLE, GRACE, LIFELINE_VARIABLE


def wait_at_gate(gate: int) -> None:
    """Until the parent says that the home is prepared; without its word, end."""
    if gate >= 0:
        word = os.read(gate, 1)
        os.close(gate)
        if not word:
            sys.exit(0)


def main() -> None:
    lifeline = os.environ.pop(LIFELINE_VARIABLE)
    end_with_parent(int(lifeline), grace=GRACE)
    os.environ[HELD_LIFELINE_VARIABLE] = lifeline
    gate = int(os.environ.pop(GATE_VARIABLE))
    _, preload, *sys.argv = sys.argv
    if preload:
        with uncollected():
            importlib.import_module(preload)
    wait_at_gate(gate)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
