"""`llmos search …`: the search index."""

import click

from llmos.cli.options import home_option


@click.group()
def search() -> None:
    """The search index."""
