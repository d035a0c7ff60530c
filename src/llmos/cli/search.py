"""`llmos search …`: the search index."""

import click


@click.group()
def search() -> None:
    """The search index."""
