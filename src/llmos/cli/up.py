"""`llmos up`: the whole hub on this machine, until Ctrl-C."""

import http.client
import os
import shutil
import socket

import click

import llmos
from llmos.cli.demo import demo_file
from llmos.cli.extras import wants
from llmos.cli.framework import make_folders
from llmos.cli.options import home_option
from llmos.cli.prepare import link_file
from llmos.cli.prepared import is_prepared, read_preparation
from llmos.cli.running import Address, held, local_url, near, write_address
from llmos.cli.sections import refuse_unknown
from llmos.kit.config import current, read_toml
from llmos.kit.errors import Conflict
from llmos.kit.home import Home, home_from_environment
from llmos.store.config import DatabaseSettings, MailSettings, ServerSettings
from llmos.web.supervisor import Service, ServiceFailed, Supervisor

# Seconds; a migration of a large database may take its time, an answer may not.
MIGRATION_LIMIT = 3600.0
ANSWER_LIMIT = 60.0


@click.command()
@click.option("--host", default=None, help="Address to listen on; default 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Port; default 8000.")
@click.option("--no-demo", is_flag=True, help="Bring no first content.")
@home_option
def up(*, host: str | None, port: int | None, no_demo: bool) -> None:
    """Start the hub: web pages, API, git, background tasks and jobs, on one port.

    The first start creates the data directory and an administrator and prints a link to
    sign in. Ctrl-C or SIGTERM ends everything.
    """
    # Children read the same settings, so what the command line says travels as environment.
    for name, value in (("LLMOS_SERVER_HOST", host), ("LLMOS_SERVER_PORT", port)):
        if value is not None:
            os.environ[name] = str(value)
    home = home_from_environment()
    if current(MailSettings).inbox:
        wants("mail")
    with held(home) as lock:
        server = current(ServerSettings)
        chosen = free_port(server.host, server.port)
        os.environ["LLMOS_SERVER_PORT"] = str(chosen)
        make_folders(home)
        _clear(home)
        refuse_unknown(read_toml(home.config_file))

        def note(name: str, pid: int) -> None:
            if name == "web":
                _note_address(home, local_url(server.host, chosen), pid)

        with Supervisor(held_descriptor=lock, say=_say, restarted=note) as tree:
            try:
                _run(tree, home, server.host, chosen, demo=not no_demo)
            except ServiceFailed as failure:
                raise click.ClickException(f"LLMOS stops: {failure}") from failure


def free_port(host: str, port: int) -> int:
    """The port itself when nobody listens on it, or a free one for 0. Raises Conflict."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Conflict(
                f"Cannot listen on {host}:{port} ({error.strerror}). "
                "Choose another port with --port, or stop what uses this one."
            ) from error
        taken: int = probe.getsockname()[1]
        return taken


def _run(tree: Supervisor, home: Home, host: str, port: int, *, demo: bool) -> None:
    first_start = not current(DatabaseSettings).url and not home.database.exists()
    if first_start and demo:
        demo_file(home).touch()
    web_pid = _start_web(tree, home, host, port)
    if web_pid is None:
        return
    url = local_url(host, port)
    if not tree.wait_for(lambda: _answers(host, port), among=["web"], limit=ANSWER_LIMIT):
        return
    _note_address(home, url, web_pid)
    _announce(home, url)
    tree.start(Service("worker", ["llmos.web.work"]))
    tree.start(Service("runner", ["llmos.web.runner"]))
    if current(MailSettings).inbox:
        tree.start(Service("inbox", ["llmos.web.inbox"]))
    if demo and demo_file(home).exists():
        tree.start(Service("first content", ["llmos.cli.demo"], errand=True))
    tree.watch()
    _say("Stopping")


def _start_web(tree: Supervisor, home: Home, host: str, port: int) -> int | None:
    """Start the web process on tables that fit it; None when told to stop meanwhile."""
    web = Service(
        "web",
        ["llmos.web.serve", "--host", host, "--port", str(port)],
        preload="llmos.web.asgi",
    )
    preparation = Service("preparation", ["llmos.cli.prepare"], errand=True)
    found = read_preparation(home)
    fits = is_prepared(home)
    # While the tables are made the web process loads its code, but answers nobody yet.
    web_pid = tree.start(web, gated=not fits)
    link_wanted = found is None or found.link_wanted
    if (link_wanted or not fits) and not tree.finish(preparation, limit=MIGRATION_LIMIT):
        return None
    tree.open_gate("web")
    return web_pid


def _answers(host: str, port: int) -> bool:
    """Whether the web process says that it is well."""
    connection = http.client.HTTPConnection(near(host), port, timeout=2)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _note_address(home: Home, url: str, web_pid: int) -> None:
    write_address(home, Address(url, os.getpid(), web_pid, llmos.__version__))


def _announce(home: Home, url: str) -> None:
    """The one block that a person reads."""
    public = current(ServerSettings).public_url.rstrip("/") or url
    lines = [
        f"LLMOS {llmos.__version__} is ready",
        "",
        f"  Open      {public}",
        *_link_lines(home),
        f"  Clients   export HF_ENDPOINT={public}",
        f"  Home      {home.root}",
        "  Stop      Ctrl-C",
        "",
    ]
    click.echo("\n".join(lines))


def _link_lines(home: Home) -> list[str]:
    try:
        name, link = link_file(home).read_text().split("\n")
    except FileNotFoundError:
        return []
    link_file(home).unlink()
    return [f"  Sign in   {link}", f"            (once, as the administrator {name})"]


def _clear(home: Home) -> None:
    """Bodies in transit of a hub that is gone belong to nobody."""
    for leftover in home.uploads.iterdir():
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
    link_file(home).unlink(missing_ok=True)


def _say(line: str) -> None:
    click.echo(f"llmos: {line}", err=True)
