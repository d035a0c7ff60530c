"""What a command needs beside the core, said before anything fails deep inside."""

from importlib.util import find_spec

import click

_NEEDED = {
    "mail": ("aiosmtpd", "mailparser_reply"),
    "train": ("torch", "transformers", "pyarrow", "tokenizers"),
    "serve": ("torch", "transformers", "ctranslate2", "xllamacpp"),
}


def wants(extra: str) -> None:
    """Raises click.ClickException that names the extra to install."""
    missing = [name for name in _NEEDED[extra] if find_spec(name) is None]
    if missing:
        raise click.ClickException(f"This needs {', '.join(missing)}: pip install 'llmos[{extra}]'")
