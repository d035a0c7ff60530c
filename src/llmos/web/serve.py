"""The web process: `python -m llmos.web.serve --host H --port N`, the hub at LLMOS_HOME.

granian's embedded server runs in this very process, so there is one process to watch
and one import of the application.
"""

import argparse
import asyncio
import gc
import logging
import signal

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

# Streams of large bodies gain from a larger read buffer than granian's default (bytes).
READ_BUFFER_BYTES = 1 << 20

logger = logging.getLogger(__name__)


async def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    from llmos.store.threads import in_thread
    from llmos.web.asgi import app, settle
    from llmos.web.wiring import begin_serving

    # Django keeps the loop's connections in the current context. Taken here once, the same one
    # serves every request, whose contexts are copies of this; else each would open its own.
    connections[DEFAULT_DB_ALIAS].ensure_connection()
    try:
        await in_thread(begin_serving)
    except DatabaseError:  # a full disk: what is there can be read all the same
        logger.exception("what the web process before this one left undone has to wait")
    gc.collect()
    gc.freeze()  # the application lives as long as the process: spare the collector the walk
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        log_access=False,
        log_enabled=False,
        websockets=False,
        http1_settings=HTTP1Settings(max_buffer_size=READ_BUFFER_BYTES),
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()
    settle()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.host, chosen.port))


if __name__ == "__main__":
    main()
