"""Models as commands name them: a folder, a GGUF file, or a repository with a revision."""

import re
from pathlib import Path

import click

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


def model_at(name: str) -> Path:
    """The folder or file of a model, fetched from the hub of HF_ENDPOINT where it is none here.

    Raises click.ClickException, BadData when the hub has no such model.
    """
    path = Path(name)
    if path.exists():
        return path
    if not _REPOSITORY.fullmatch(name):
        raise click.ClickException(
            f"There is no model {name}: give a folder, a GGUF file or a repository like "
            "name/model or name/model@revision"
        )
    from llmos.lab.sources import fetched

    return fetched(name, kind="model")
