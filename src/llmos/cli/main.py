"""`llmos …`: parse, call, print. Each command has a file of its own beside this one."""

import click

import llmos
from llmos.cli.options import HouseGroup

_COMMANDS = {
    "up": ("llmos.cli.up:up", "Start the hub on this machine."),
    "users": ("llmos.cli.users:users", "Members: create, sign-in link, level, export, delete."),
    "orgs": ("llmos.cli.orgs:orgs", "Organisations: create."),
    "tokens": ("llmos.cli.tokens:tokens", "Access tokens: create."),
    "keys": ("llmos.cli.keys:keys", "Keys that sign receipts: show, rotate."),
    "jobs": ("llmos.cli.jobs:jobs", "The queue of work: list, show, logs, cancel, resume."),
    "mail": ("llmos.cli.mail:mail", "Answers by mail: receive."),
    "config": ("llmos.cli.config:config", "Settings and where each value came from."),
    "doctor": ("llmos.cli.doctor:doctor", "Check that rows, git and files agree; repair."),
    "gc": ("llmos.cli.gc:gc", "Remove what no repository needs any more."),
    "search": ("llmos.cli.search:search", "The search index: rebuild."),
    "backup": ("llmos.cli.backup:backup", "Copy the whole hub while it runs."),
    "restore": ("llmos.cli.backup:restore", "Put a backup into an empty home."),
    "train": ("llmos.cli.train:train", "Learn a model from data."),
    "evaluate": ("llmos.cli.evaluate:evaluate", "Measure a model: a score with its interval."),
    "translate": ("llmos.cli.use:translate", "Translate text, line for line."),
    "generate": ("llmos.cli.use:generate", "Let a model go on with text."),
    "chat": ("llmos.cli.chat:chat", "Talk with a model."),
    "receipt": ("llmos.cli.receipt:receipt", "Signed results: verify, show."),
    "version": ("llmos.cli.version:version", "Print the version."),
}


@click.group(cls=HouseGroup, commands_at=_COMMANDS, context_settings={"max_content_width": 100})
@click.version_option(llmos.__version__, prog_name="llmos")
def main() -> None:
    """LLMOS: a home for people who build language models together.

    Every command takes --home, or LLMOS_HOME from the environment, and works while the
    hub runs.
    """


if __name__ == "__main__":
    main()
