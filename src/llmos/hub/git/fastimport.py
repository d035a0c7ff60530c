"""`git fast-import` as a pipe: one commit, its files written as they come.

The process holds one pack and one tree; this side holds nothing. Spec: git-fast-import(1).
"""

import errno
import os
import subprocess
import tempfile
import time
from typing import IO

from llmos.hub.git.repos import git_environment, path_of, signature

_CHUNK = 2**18  # bytes
_FINISH_SECONDS = 600


class FastImport:
    """One commit on a staging reference. Call `finish` or `stop`, always."""

    def __init__(
        self, repository_id: int, ref: str, parent: str, message: str, author: str, email: str
    ) -> None:
        self.ref = ref
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop
        self._process = subprocess.Popen(
            ["git", "fast-import", "--quiet", "--done", "--date-format=raw"],
            cwd=path_of(repository_id),
            env=git_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        who = signature(author, email)
        stamp = f"{who.name} <{who.email}> {int(time.time())} +0000"
        text = message.encode()
        self._send(
            f"commit {ref}\nmark :1\nauthor {stamp}\ncommitter {stamp}\ndata {len(text)}\n".encode()
            + text
            + f"\nfrom {parent}\n".encode()
        )

    def write(self, path: str, content: bytes | IO[bytes], size: int) -> None:
        self._send(f"M 100644 inline {_quoted(path)}\ndata {size}\n".encode())
        if isinstance(content, bytes):
            self._send(content)
        else:
            while part := content.read(_CHUNK):
                self._send(part)
        self._send(b"\n")

    def copy(self, path: str, oid: str) -> None:
        self._send(f"M 100644 {oid} {_quoted(path)}\n".encode())

    def remove(self, path: str) -> None:
        self._send(f"D {_quoted(path)}\n".encode())

    def finish(self) -> str:
        """End the commit; returns its id once all of it is on disk."""
        self._send(b"\nget-mark :1\ndone\n")
        try:
            out, _ = self._process.communicate(timeout=_FINISH_SECONDS)
        except BrokenPipeError:
            raise self._failure() from None
        sha = out.decode().strip()
        if self._process.returncode != 0 or len(sha) != 40:
            raise self._failure()
        return sha

    def stop(self) -> None:
        """End the process, whether or not it was done."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _send(self, text: bytes) -> None:
        pipe: IO[bytes] | None = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(text)
        except BrokenPipeError:
            raise self._failure() from None

    def _failure(self) -> Exception:
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        said = self._errors.read(4000).decode(errors="replace")
        if os.strerror(errno.ENOSPC) in said:
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return RuntimeError(f"git fast-import ended with {self._process.returncode}: {said}")


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
