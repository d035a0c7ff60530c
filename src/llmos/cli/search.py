"""`llmos search …`: the search index."""

import click

from llmos.cli.options import home_option
from llmos.cli.running import running_at


@click.group()
def search() -> None:
    """The search index."""


@search.command("rebuild")
@home_option
def rebuild() -> None:
    """Make the search index anew; searches go on meanwhile.

    While the hub runs its worker does it, since the index has one writer.
    """
    from llmos.cli.framework import open_home

    home = open_home()
    if running_at(home) is not None:
        from llmos.hub.tasks import rebuild_search
        from llmos.store.tasks import wake_worker

        rebuild_search.enqueue()
        wake_worker()
        click.echo("The worker rebuilds the index now.")
        return
    from llmos.store.search import rebuild as make_anew

    click.echo(f"The index holds {make_anew()} documents.")
