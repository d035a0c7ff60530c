"""What every command shares: `--home`, and refusals shown as one sentence."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from llmos.kit.errors import Refusal
from llmos.kit.home import HOME_VARIABLE

C = TypeVar("C", bound=Callable[..., Any])


def _set_home(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        os.environ[HOME_VARIABLE] = str(value.absolute())


home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    expose_value=False,
    is_eager=True,
    callback=_set_home,
    help="Data directory of the hub; default $LLMOS_HOME, else ~/.llmos.",
)


class HouseGroup(click.Group):
    """Loads a command's module only when it is called, and prints refusals as one line."""

    def __init__(self, *args: Any, commands_at: dict[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = commands_at  # name -> ("module:attribute", one line of help)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from importlib import import_module

        place = self._places.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place[0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in self._places.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            raise click.ClickException(refusal.message) from refusal
