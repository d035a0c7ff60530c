"""Where the workers beside the first come from: a process that loads torch once and forks them.

It is started before the first worker loads torch itself, on another core: then the others are
there as soon as they are wanted, and share in memory what they have in common.
"""

from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerContext


def open_nursery() -> ForkServerContext:
    """Start it, unless it runs. It ends with this process."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["llmos.lab.training.loaded"])
    forkserver.ensure_running()
    return context
