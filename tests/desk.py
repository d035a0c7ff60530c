"""Commands on a running hub, each a fork of one process that has loaded the code.

A command of its own spends nearly all its time on loading; `tests/cli` starts them so.
"""

import json
import subprocess
import sys
from functools import cached_property
from pathlib import Path

from tests import databases

SERVE = """
import json, os, sys
from tempfile import TemporaryFile
from llmos.cli.framework import load_django
from llmos.cli.main import main

load_django()
for line in sys.stdin:
    asked = json.loads(line)
    with TemporaryFile("w+") as given, TemporaryFile("w+") as said, TemporaryFile("w+") as wrong:
        given.write(asked["stdin"])
        given.seek(0)
        child = os.fork()
        if not child:
            for number, file in enumerate((given, said, wrong)):
                os.dup2(file.fileno(), number)
            sys.stdin = os.fdopen(0)
            main(asked["arguments"])
        _, status = os.waitpid(child, 0)
        said.seek(0)
        wrong.seek(0)
        told = [os.waitstatus_to_exitcode(status), said.read(), wrong.read()]
    print(json.dumps(told), flush=True)
"""


class Desk:
    """Takes one command at a time for the hub on a home."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def run(self, *arguments: str, stdin: str = "") -> str:
        """What `llmos …` says on its standard output."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"arguments": arguments, "stdin": stdin}) + "\n")
        process.stdin.flush()
        status, said, wrong = json.loads(process.stdout.readline())
        assert status == 0, said + wrong
        return str(said)

    def close(self) -> None:
        if "_process" in vars(self):
            self._process.communicate()
            del self._process

    @cached_property
    def _process(self) -> subprocess.Popen[str]:
        """Started with the first command."""
        return subprocess.Popen(
            [sys.executable, "-c", SERVE],
            env=databases.env_of(self._home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
