"""`llmos config …`: every setting, its value, and where the value came from."""

import json
from dataclasses import fields

import click

from llmos.cli.options import home_option
from llmos.cli.sections import all_sections, masked, refuse_unknown
from llmos.kit.config import Origin, Section, origins, read_toml
from llmos.kit.home import home_from_environment


@click.group()
def config() -> None:
    """Settings of this hub."""


@config.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@home_option
def show(*, as_json: bool) -> None:
    """Print every setting with its value and its source; secrets are hidden.

    Values come from, strongest first: the environment, llmos.toml in the home, the default.
    """
    toml = read_toml(home_from_environment().config_file)
    refuse_unknown(toml)
    found = {section: origins(section, toml) for section in all_sections()}
    if as_json:
        click.echo(json.dumps(_as_json(found), ensure_ascii=False, indent=2))
        return
    for section, values in found.items():
        click.echo(f"[{section.section}]")
        for field in fields(section):
            origin = values[field.name]
            shown = json.dumps(masked(field.name, origin.value), ensure_ascii=False)
            click.echo(f"{field.name} = {shown}  # {origin.source}; {field.metadata['help']}")
        click.echo()


def _as_json(
    found: dict[type[Section], dict[str, Origin]],
) -> dict[str, dict[str, dict[str, object]]]:
    return {
        section.section: {
            name: {"value": masked(name, origin.value), "source": origin.source}
            for name, origin in values.items()
        }
        for section, values in found.items()
    }
