"""Commands for whoever runs the hub, on a home where none runs and beside a running one."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.terminal import Terminal
from tests.homes import Homes

import llmos


def run(home: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llmos.cli.main", *arguments, "--home", str(home)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_help_is_instant_because_it_loads_no_framework() -> None:
    script = (
        "import sys; from llmos.cli.main import main; main(['--help'], standalone_mode=False); "
        "assert not {'django', 'starlette', 'huggingface_hub'} & set(sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "Start the hub on this machine." in done.stdout


def test_every_command_in_the_list_exists_and_takes_a_home() -> None:
    from click.testing import CliRunner

    from llmos.cli.main import main

    for name in main.list_commands(None):  # type: ignore[arg-type]
        shown = CliRunner().invoke(main, [name, "--help"])
        assert shown.exit_code == 0, shown.output


def test_the_version_is_the_package_s() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "llmos.cli.main", "version"], capture_output=True, text=True
    )
    assert done.stdout == f"{llmos.__version__}\n"


def test_members_organisations_and_tokens_are_created_on_a_fresh_home(home: Path) -> None:
    member = run(home, "users", "create", "ada", "--password-stdin", stdin="correct horse 9\n")
    imported = run(home, "users", "create", "__DUMMY_TRANSFORMERS_USER__", "--admin")
    organisation = run(
        home, "orgs", "create", "lab", "--private-by-default", "--member", "ada:write"
    )
    token = run(home, "tokens", "create", "ada", "--name", "laptop", "--role", "write")

    assert member.stdout == "Created member ada\n"
    assert imported.stdout == "Created administrator __DUMMY_TRANSFORMERS_USER__\n"
    assert organisation.stdout == "Created organisation lab\n"
    assert token.stdout.startswith("hf_")
    assert token.stdout.count("\n") == 1


def test_a_token_of_another_hub_is_imported_and_stored_hashed(home: Path, homes: Homes) -> None:
    homes.copy_to(home)
    secret = "hf_" + "94wBhPGp6KrrTH3KDchhKpRxZwd6dmHWLL"[:34]

    done = run(
        home, "tokens", "create", "ada", "--name", "ci", "--role", "write", "--value", secret
    )

    assert done.stdout == f"{secret}\n"
    with sqlite3.connect(home / "llmos.sqlite3") as rows:
        dump = "\n".join(rows.iterdump())
    assert secret not in dump


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["users", "create", "-bad-"], "A name has at least"),
        (["users", "create", "a/b"], "A name has at least"),
        (["tokens", "create", "nobody1", "--name", "x", "--role", "read"], "There is no member"),
        (["orgs", "create", "lab", "--member", "ada"], "write USER:ROLE"),
        (["orgs", "create", "lab", "--member", "ada:king"], "write USER:ROLE"),
    ],
)
def test_mistakes_are_answered_with_a_sentence(
    home: Path, homes: Homes, arguments: list[str], sentence: str
) -> None:
    homes.copy_to(home)
    if arguments[1] == "create" and arguments[0] == "users":
        arguments = ["users", "create", "--", arguments[2]]
        done = subprocess.run(
            [sys.executable, "-m", "llmos.cli.main", *arguments],
            env={**os.environ, "LLMOS_HOME": str(home)},
            capture_output=True,
            text=True,
        )
    else:
        done = run(home, *arguments)

    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_password_is_refused(home: Path) -> None:
    done = run(home, "users", "create", "ada", "--password-stdin", stdin="\n")

    assert done.returncode == 2
    assert "holds no password" in done.stderr


def test_config_show_tells_where_each_value_came_from(home: Path) -> None:
    home.mkdir()
    (home / "llmos.toml").write_text('[server]\nname = "Our hub"\n')
    environment = {
        **os.environ,
        "LLMOS_HOME": str(home),
        "LLMOS_SERVER_PORT": "9001",
        "LLMOS_DATABASE_URL": "postgresql://llmos:s3cret@db/llmos",
    }

    done = subprocess.run(
        [sys.executable, "-m", "llmos.cli.main", "config", "show", "--json"],
        env=environment,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)

    assert found["server"]["name"] == {"value": "Our hub", "source": "llmos.toml"}
    assert found["server"]["port"] == {"value": 9001, "source": "LLMOS_SERVER_PORT"}
    assert found["server"]["host"]["source"] == "default"
    assert found["database"]["url"]["value"] == "postgresql://llmos:…@db/llmos"
    assert "s3cret" not in done.stdout


def test_secrets_in_tables_of_settings_are_hidden(home: Path) -> None:
    home.mkdir()
    (home / "llmos.toml").write_text(
        '[accounts.providers.github]\nclient_id = "Iv1"\nsecret = "s3cret"\n'
    )

    done = run(home, "config", "show")

    assert "Iv1" in done.stdout
    assert "s3cret" not in done.stdout


def test_a_database_of_a_later_release_is_refused(home: Path, homes: Homes) -> None:
    homes.copy_to(home)
    with sqlite3.connect(home / "llmos.sqlite3") as rows:
        rows.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('hub', '9999_from_the_future', '2030-01-01')"
        )
    (home / "prepared.json").unlink()

    done = run(home, "users", "create", "bob")

    assert done.returncode == 1
    assert "hub.9999_from_the_future" in done.stderr
    assert "install the later release" in done.stderr
    started = Terminal(home, "--port", "0")
    assert started.process.wait(timeout=30) == 1
    assert "install the later release" in started.printed


def test_tables_created_at_once_are_the_tables_that_migrations_make(tmp_path: Path) -> None:
    quick, slow = tmp_path / "quick", tmp_path / "slow"
    run(quick, "users", "create", "ada")
    slow.mkdir()
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--verbosity", "0"],
        env={
            **os.environ,
            "LLMOS_HOME": str(slow),
            "DJANGO_SETTINGS_MODULE": "llmos.web.settings",
        },
        check=True,
    )

    assert _shape(quick / "llmos.sqlite3") == _shape(slow / "llmos.sqlite3")


def _shape(path: Path) -> dict[str, object]:
    """Tables with columns, foreign keys and indexes, whatever the order they were made in."""
    with sqlite3.connect(path) as db:
        names = db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        shape: dict[str, object] = {name: _table(db, name) for (name,) in names}
        shape[""] = [
            db.execute("SELECT app, name FROM django_migrations ORDER BY 1, 2").fetchall(),
            db.execute("SELECT * FROM django_site").fetchall(),
        ]
        return shape


def _table(db: sqlite3.Connection, name: str) -> tuple[object, ...]:
    # By their spelling: parts of an index that are no column have no name to compare.
    columns = sorted((row[1:6] for row in db.execute(f'PRAGMA table_info("{name}")')), key=repr)
    keys = sorted((row[2:7] for row in db.execute(f'PRAGMA foreign_key_list("{name}")')), key=repr)
    indexes = sorted(
        (
            (row[2], row[4], [part[2:5] for part in db.execute(f'PRAGMA index_xinfo("{row[1]}")')])
            for row in db.execute(f'PRAGMA index_list("{name}")')
        ),
        key=repr,
    )
    return columns, keys, indexes


def test_a_backup_taken_while_the_hub_runs_is_restored_with_its_members(
    up: Terminal, homes: Homes, tmp_path: Path
) -> None:
    taken = run(up.home, "backup", str(tmp_path / "copy"))
    restored = run(tmp_path / "other", "restore", str(tmp_path / "copy"))
    same = run(
        tmp_path / "other",
        "tokens", "create", "ada", "--name", "y", "--role", "read", "--value", homes.tokens["ada"],
    )  # fmt: skip

    assert taken.returncode == 0, taken.stderr
    assert restored.returncode == 0, restored.stderr
    assert "known here already" in same.stderr


def test_backup_and_restore_never_overwrite(home: Path, homes: Homes, tmp_path: Path) -> None:
    homes.copy_to(home)
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("keep")

    assert "is not empty" in run(home, "backup", str(full)).stderr
    assert "holds no finished backup" in run(tmp_path / "x", "restore", str(full)).stderr
    assert run(home, "backup", str(tmp_path / "copy")).returncode == 0
    assert "holds a hub already" in run(home, "restore", str(tmp_path / "copy")).stderr
