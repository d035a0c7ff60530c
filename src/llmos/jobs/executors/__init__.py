"""Where jobs run. Each executor runs `python -m llmos.lab.work` somewhere."""

from typing import Protocol

from llmos.jobs.models import Job
from llmos.kit.config import BadConfiguration


class Executor(Protocol):
    def cores(self) -> int:
        """How many its jobs may use at once."""

    def start(self, job: Job, environment: dict[str, str]) -> None:
        """Start the attempt, unless it runs already. Raises Refusal."""

    def is_alive(self, job: Job) -> bool:
        """Whether the attempt runs; once it does not, `folders.read_exit` says how it ended."""

    def find_again(self, job: Job) -> bool:
        """Take hold of an attempt of whose end nobody knows; false when nothing is left of it."""

    def stop(self, job: Job) -> None:
        """Ask it to end, and see to it that it does."""

    def clear(self, job: Job) -> None:
        """Remove what a job that is over would need only to go on."""


def executor_named(name: str) -> Executor:
    """Raises BadConfiguration."""
    if name == "local":
        from llmos.jobs.executors.local import LocalExecutor

        return LocalExecutor()
    if name == "ray":
        from llmos.jobs.executors.ray import RayExecutor

        return RayExecutor()
    raise BadConfiguration(f"[jobs] executor = {name!r}: write local or ray")
