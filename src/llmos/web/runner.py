"""The runner process: `python -m llmos.web.runner`, jobs of the hub at LLMOS_HOME."""

import os
import signal
import threading

import django

from llmos.jobs.config import JobsSettings
from llmos.kit.config import current
from llmos.kit.loading import uncollected
from llmos.store.config import ServerSettings


def hub_url() -> str:
    """Where jobs reach this hub: by their own setting, or here on this machine."""
    server = current(ServerSettings)
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(server.host, server.host)  # noqa: S104
    return current(JobsSettings).hub_url.rstrip("/") or f"http://{host}:{server.port}"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmos.web.settings")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with uncollected():
        django.setup(set_prefix=False)

    from llmos.jobs.runner import Runner

    Runner(hub_url()).run(stop.is_set)


if __name__ == "__main__":
    main()
