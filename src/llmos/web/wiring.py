"""Who listens to whom: the only place where an announcement meets its listeners."""


def connect() -> None:
    """Called once per process, when Django is ready."""
