"""Where jobs run. Each executor runs `python -m llmos.lab.work` somewhere."""

from typing import Protocol

from llmos.jobs.models import Job
from llmos.kit.config import BadConfiguration


class Executor(Protocol):
    def start(self, job: Job, environment: dict[str, str]) -> None:
        """Start the job, unless it runs already."""

    def is_alive(self, job: Job) -> bool:
        """Whether it still runs; once it does not, `folders.read_exit` says how it ended."""

    def stop(self, job: Job) -> None:
        """Ask it to end, and see to it that it does."""


def executor_named(name: str) -> Executor:
    """Raises BadConfiguration."""
    if name != "local":
        raise BadConfiguration(f"[jobs] executor = {name!r}: there is only 'local'")
    from llmos.jobs.executors.local import LocalExecutor

    return LocalExecutor()
