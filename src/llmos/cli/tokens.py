"""`llmos tokens …`: access tokens, for whoever runs the hub."""

import click

from llmos.cli.options import home_option


@click.group()
def tokens() -> None:
    """Access tokens of members."""


@tokens.command("create")
@click.argument("user")
@click.option("--name", required=True, help="What the token is called in the member's list.")
@click.option("--role", type=click.Choice(["read", "write"]), required=True, help="What it may do.")
@click.option("--value", default=None, help="Import this token, as another hub issued it.")
@home_option
def create(*, user: str, name: str, role: str, value: str | None) -> None:
    """Create an access token for USER and print it; it is shown only now."""
    from llmos.cli.framework import open_home

    open_home()
    from llmos.accounts.actions import create_token
    from llmos.cli.members import member_named

    _, secret = create_token(user=member_named(user), name=name, role=role, value=value)
    click.echo(secret)
