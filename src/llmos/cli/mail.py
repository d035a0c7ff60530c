"""`llmos mail …`: the door for a mail server that pipes answers into a command."""

import sys

import click

from llmos.cli.options import home_option

# sysexits.h, as mail servers read them: refuse for good, or try again later.
_NO_USER, _NO_PERMISSION, _BAD_DATA, _TRY_LATER = 67, 77, 65, 75


@click.group()
def mail() -> None:
    """Answers by mail."""


@mail.command("receive")
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="ADDRESS",
    help="Recipient of the envelope; without it the mail's own header fields count. May repeat.",
)
@home_option
def receive(*, recipients: tuple[str, ...]) -> None:
    """Write the answer that a mail on standard input holds.

    For a pipe of any mail server, such as `llmos mail receive --home H --recipient ADDRESS`.
    A mail that is refused ends the command with a status that mail servers know (65, 67, 77)
    and the reason on standard error.
    """
    from llmos.cli.framework import open_home

    open_home()
    from llmos.community.notifications.errors import AnswerUnaddressed
    from llmos.community.notifications.incoming import LARGEST_MAIL, take_answer
    from llmos.kit.errors import Broken, Busy, Forbidden, NotFound, Refusal

    raw = sys.stdin.buffer.read(LARGEST_MAIL + 1)
    try:
        post = take_answer(raw, recipients=recipients)
    except Refusal as refusal:
        click.echo(f"Error: {refusal.message}", err=True)
        statuses = (
            (AnswerUnaddressed, _NO_USER),
            (NotFound, _NO_USER),
            (Forbidden, _NO_PERMISSION),
            ((Broken, Busy), _TRY_LATER),
        )
        status = next((code for kinds, code in statuses if isinstance(refusal, kinds)), _BAD_DATA)
        raise SystemExit(status) from refusal
    click.echo(f"Written: {post.thread.address}")
