"""`llmos users …`: members, for whoever runs the hub."""

import sys
from pathlib import Path

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


@users.command("level")
@click.argument("name")
@click.argument("level", metavar="LEVEL")
@click.option("--reason", default="", help="Why; wanted when the level is lowered.")
@click.option("--hold", is_flag=True, help="Deeds change it no more.")
@home_option
def level(*, name: str, level: str, reason: str, hold: bool) -> None:
    """Give the member NAME a level: new, member, regular, leader or steward.

    `auto` lets deeds decide again. Stewards keep order on the whole hub.
    """
    from llmos.cli.framework import open_home

    open_home()
    from llmos.cli.members import member_named
    from llmos.community.moderation.actions import log_level
    from llmos.community.trust.actions import let_grow, set_level
    from llmos.community.trust.models import Level

    user = member_named(name)
    if level == "auto":
        let_grow(user_id=user.pk)
        click.echo(f"Deeds decide about the level of {user.username} again")
        return
    known = {one.label: one for one in Level} | {str(one.value): one for one in Level}
    if level not in known:
        raise click.UsageError(f"LEVEL is one of {', '.join(one.label for one in Level)}, auto")
    set_level(user_id=user.pk, level=known[level], reason=reason, held=hold)
    log_level(member_id=user.pk, level=known[level], words=reason)
    click.echo(f"{user.username} has level {known[level].value} ({known[level].label})")


@users.command("export")
@click.argument("name")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; default NAME-data.zip.",
)
@home_option
def export(*, name: str, output: Path | None) -> None:
    """Write an archive of all that the hub knows of the member NAME."""
    from llmos.cli.framework import open_home

    open_home()
    from llmos.accounts.exports import write_archive
    from llmos.cli.members import member_named
    from llmos.kit.files import written_whole

    user = member_named(name)
    target = output or Path(f"{user.username}-data.zip")
    with written_whole(target) as file:
        write_archive(user, file)
    click.echo(f"Wrote {target}")


@users.command("delete")
@click.argument("name")
@click.option("--remove-text", is_flag=True, help="Remove the text of their posts as well.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@home_option
def delete(*, name: str, remove_text: bool, yes: bool) -> None:
    """Delete the account of the member NAME for good."""
    from llmos.cli.framework import open_home

    open_home()
    from llmos.accounts.leaving import finish_leaving, leave, outlook
    from llmos.cli.members import member_named

    user = member_named(name)
    for line in outlook(user)[1]:
        click.echo(f"Goes with the account: {line}")
    if not yes:
        click.confirm(f"Delete the account of {user.username} for good?", abort=True)
    leave(user, removes_text=remove_text)
    finish_leaving(user.pk)
    click.echo(f"Deleted {user.username}; nobody is given the name again")
