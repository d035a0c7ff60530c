"""A process that ends with its parent: the parent holds the other end of a pipe.

When the kernel closes that, whatever killed the parent, this process tells itself to stop.
"""

import os
import signal
import threading
import time

# In every child of the hub: the descriptor of that pipe, for what the child starts in turn.
HELD_LIFELINE_VARIABLE = "LLMOS_HELD_LIFELINE"


def end_with_parent(lifeline: int, *, grace: float) -> None:
    """Watch the pipe from a thread of its own; costs nothing while nothing happens.

    After SIGTERM the process has `grace` seconds to end by itself.
    """

    def watch() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
