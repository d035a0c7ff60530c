"""`llmos version`."""

import click

import llmos


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(llmos.__version__)
