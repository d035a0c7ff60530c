"""A home with its first members, made once for a whole run; the hubs of tests begin with copies.

Its administrator has a password, so that a start on a copy has nothing to prepare. Tests of the
first start itself begin with nothing.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests import databases

ADMINISTRATOR = "operator"
MEMBERS = ("ada", "bob", "eve")
PASSWORD = "correct horse 9"

# All in one process: loading the code takes far longer than any of these commands.
MAKE = """
import json, sys
from click.testing import CliRunner
from llmos.cli.framework import open_home
from llmos.cli.main import main
from llmos.cli.prepare import prepare

def llmos(*words, stdin=""):
    done = CliRunner().invoke(main, words, input=stdin)
    assert done.exit_code == 0, done.output
    return done.output.strip()

administrator, password, *members = sys.argv[1:]
line = password + "\\n"
llmos("users", "create", administrator, "--admin", "--password-stdin", stdin=line)
tokens = {}
for name in members:
    llmos("users", "create", name, "--password-stdin", stdin=line)
    tokens[name] = llmos("tokens", "create", name, "--name", "test", "--role", "write")
prepare(open_home())
print(json.dumps(tokens))
"""


class Homes:
    """Copies of the prepared home, and the write tokens of its members."""

    def __init__(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = tmp_path_factory.getbasetemp()
        if "PYTEST_XDIST_WORKER" in os.environ and not databases.url_of(folder / "prepared-home"):
            folder = folder.parent  # which all processes of this run share
        self._made = folder / "prepared-home"
        self._tokens = folder / "prepared-tokens.json"
        with (folder / "prepared.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._tokens.exists():
                self._tokens.write_text(self._make())
        self.tokens: dict[str, str] = json.loads(self._tokens.read_text())

    def copy_to(self, home: Path, settings: str = "") -> None:
        """Begin a home; `settings` is its llmos.toml."""
        shutil.copytree(self._made, home)
        databases.copy(self._made, home)
        (home / "llmos.toml").write_text(settings)

    def _make(self) -> str:
        self._made.mkdir(mode=0o700)
        done = subprocess.run(
            [sys.executable, "-c", MAKE, ADMINISTRATOR, PASSWORD, *MEMBERS],
            env=databases.env_of(self._made),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
