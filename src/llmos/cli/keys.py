"""`llmos keys …`: what signs this hub's receipts."""

import click

from llmos.cli.options import home_option


@click.group()
def keys() -> None:
    """The keys that sign receipts."""


@keys.command("show")
@home_option
def show() -> None:
    """Print the id and the public half of each key, the present one first."""
    from llmos.provenance.keys import public_keys
    from llmos.wire.receipts import key_id

    for place, key in enumerate(public_keys()):
        click.echo(f"{key_id(key)}  {key.hex()}  {'retired' if place else 'present'}")


@keys.command("rotate")
@click.confirmation_option(prompt="Sign with a new key from now on?")
@home_option
def rotate() -> None:
    """Sign with a new key from now on; what was signed before stays valid.

    A key that others got hold of stays known too: delete its file in the home's keys folder,
    and all that it signed is refused.
    """
    from llmos.provenance.keys import public_keys
    from llmos.provenance.keys import rotate as make_new
    from llmos.wire.receipts import key_id

    make_new()
    click.echo(f"Receipts are signed by {key_id(public_keys()[0])} from now on")
