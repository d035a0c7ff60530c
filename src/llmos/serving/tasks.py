"""What follows a change elsewhere: files of a deleted model leave the engines' cache."""

from llmos.serving import files
from llmos.store.tasks import task


@task()
def on_repository_deleted(*, repository_id: int, type: str, full_name: str) -> None:
    files.forget(repository_id)
