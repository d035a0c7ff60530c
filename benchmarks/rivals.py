"""Named rivals serving the same file: nginx with sendfile, and Olah with a local mirror.

nginx is the limit of what this machine can send. Olah is installed by
`python -m benchmarks.install_olah` in a virtual environment of its own.
"""

import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hub import free_port
from benchmarks.processes import descendants

OLAH_FOLDER = Path(tempfile.gettempdir()) / "llmos-bench-olah"
START_SECONDS = 60

NGINX = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""

OLAH = """
[basic]
host = "127.0.0.1"
port = {port}
repos-path = "{folder}/repos"
hf-netloc = "127.0.0.1:9"
hf-lfs-netloc = "127.0.0.1:9"
mirrors-path = ["{folder}/mirrors"]
[accessibility]
offline = true
"""


@dataclass(frozen=True, slots=True)
class Rival:
    """A server of one file; `pids` are the processes whose CPU it costs."""

    name: str
    url: str
    path: str
    pids: dict[str, int]


@contextmanager
def nginx(scratch: Path, file: Path) -> Iterator[Rival]:
    """Start nginx with one worker and sendfile. Raises FileNotFoundError without nginx."""
    folder, port = _fresh(scratch / "nginx"), free_port()
    root = _fresh(folder / "root")
    (root / file.name).hardlink_to(file)
    _open_to_all(root)
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, port=port, root=root))
    command = [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(configuration)]
    process = subprocess.Popen([*command, "-g", "daemon off;"])
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/{file.name}")
        workers = {f"worker {pid}": pid for pid in descendants(process.pid)}
        yield Rival("nginx", url, f"/{file.name}", workers)
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def olah(scratch: Path, file: Path) -> Iterator[Rival]:
    """Olah offline, with the file in a git repository of its mirrors path."""
    program = OLAH_FOLDER / "bin" / "olah-cli"
    if not program.exists():
        raise FileNotFoundError("Olah is absent: run `python -m benchmarks.install_olah`")
    folder, port = _fresh(scratch / "olah"), free_port()
    _mirror(_fresh(folder / "mirrors" / "models" / "bench" / "file"), file)
    configuration = folder / "configs.toml"
    configuration.write_text(OLAH.format(folder=folder, port=port))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-c", configuration], cwd=folder, stdout=log, stderr=log
        )
    try:
        url, path = f"http://127.0.0.1:{port}", f"/bench/file/resolve/main/{file.name}"
        _wait(f"{url}{path}", method="HEAD")
        yield Rival("olah", url, path, {"olah": process.pid})
    finally:
        process.terminate()
        process.wait(20)


def _mirror(folder: Path, file: Path) -> None:
    shutil.copy(file, folder / file.name)
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    for arguments in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        (*who, "commit", "-q", "-m", "file"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _open_to_all(folder: Path) -> None:
    """Since nginx drops its rights, every folder above must be passable."""
    for parent in (folder, *folder.parents):
        if parent.owner() == "root" and parent.stat().st_mode & 0o005 != 0o005:
            parent.chmod(parent.stat().st_mode | 0o055)


def _wait(url: str, *, method: str = "HEAD") -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            request = urllib.request.Request(url, method=method)  # noqa: S310 - our own address
            with urllib.request.urlopen(request, timeout=30):  # noqa: S310
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
