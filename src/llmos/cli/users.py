"""`llmos users …`: members, for whoever runs the hub."""

import sys

import click

from llmos.cli.options import home_option


@click.group()
def users() -> None:
    """Members of this hub."""


@users.command("create")
@click.argument("name")
@click.option("--full-name", default="", help="Name shown on pages.")
@click.option("--email", default="", help="Address, taken as verified.")
@click.option("--admin", is_flag=True, help="May administer the hub.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@home_option
def create(*, name: str, full_name: str, email: str, admin: bool, password_stdin: bool) -> None:
    """Create the member NAME.

    Without a password they sign in by a one-time link: `llmos users link NAME`.
    """
    from llmos.cli.framework import open_home

    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    if password == "":
        raise click.UsageError("--password-stdin: standard input holds no password")
    open_home()
    from llmos.accounts.actions import create_user

    user = create_user(
        name=name,
        full_name=full_name,
        email=email,
        password=password,
        admin=admin,
        any_name=True,
    )
    click.echo(f"Created {'administrator' if admin else 'member'} {user.username}")


@users.command("link")
@click.argument("name")
@home_option
def link(*, name: str) -> None:
    """Print a link that signs the member NAME in, once."""
    from llmos.cli.framework import open_home

    home = open_home()
    from llmos.cli.members import member_named, sign_in_address

    click.echo(sign_in_address(home, member_named(name)))
