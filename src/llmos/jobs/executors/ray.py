"""Jobs on a Ray cluster."""

from llmos.jobs.executors.local import LocalExecutor


class RayExecutor(LocalExecutor):
    pass
