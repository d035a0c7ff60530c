"""`llmos orgs …`: organisations, for whoever runs the hub."""

import click

from llmos.cli.options import home_option

_ROLES = ("read", "contributor", "write", "admin")


def _split(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> list[tuple[str, str]]:
    pairs = []
    for item in value:
        user, _, role = item.partition(":")
        if role not in _ROLES:
            raise click.BadParameter(
                f"{item!r}: write USER:ROLE, the role one of {', '.join(_ROLES)}"
            )
        pairs.append((user, role))
    return pairs


@click.group()
def orgs() -> None:
    """Organisations of this hub."""


@orgs.command("create")
@click.argument("name")
@click.option("--full-name", default="", help="Name shown on pages.")
@click.option("--private-by-default", is_flag=True, help="New repositories are private.")
@click.option(
    "--member",
    "members",
    multiple=True,
    metavar="USER:ROLE",
    callback=_split,
    help="A first member and their role: read, contributor, write or admin. May repeat.",
)
@home_option
def create(
    *, name: str, full_name: str, private_by_default: bool, members: list[tuple[str, str]]
) -> None:
    """Create the organisation NAME."""
    from llmos.cli.framework import open_home

    open_home()
    from llmos.accounts.actions import create_organisation
    from llmos.accounts.models import Role
    from llmos.cli.members import member_named

    organisation = create_organisation(
        name=name,
        full_name=full_name,
        private_by_default=private_by_default,
        members=[(member_named(user), Role(role)) for user, role in members],
        any_name=True,
    )
    click.echo(f"Created organisation {organisation}")
