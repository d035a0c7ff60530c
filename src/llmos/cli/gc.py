"""`llmos gc`: removes large files that no repository needs any more, and what jobs left."""

import click

from llmos.cli.options import home_option
from llmos.cli.running import maintenance


@click.command()
@click.option(
    "--grace-days",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="How long content must have been unused.",
)
@home_option
def gc(*, grace_days: float) -> None:
    """Remove content that no repository uses; safe while the hub runs.

    Xet blocks go in the run after the one that found them unused, when no client can refer
    to them any more: run it once a day. Checkpoints of jobs that did not succeed go by the
    settings keep_days and keep_gb.
    """
    from llmos.cli.framework import open_home

    home = open_home()
    from llmos.hub.xet.gc import collect_garbage
    from llmos.jobs.retention import sweep

    with maintenance(home):
        removed = collect_garbage(grace_days=grace_days)
        of_jobs = sweep()
    click.echo(
        f"Removed {removed.files} files and {removed.xorbs} blocks, "
        f"{removed.bytes / 2**20:.1f} MiB; {removed.waiting} blocks wait for the next run."
    )
    if of_jobs.folders:
        click.echo(f"Removed {of_jobs.bytes / 2**20:.1f} MiB that {of_jobs.folders} jobs had left.")
