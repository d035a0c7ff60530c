"""The signing key: one for all, for its owner alone, replaced without undoing what it signed."""

import json
import os
import stat
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.conftest import HubServer, run_llmos

from llmos.kit.errors import Broken
from llmos.provenance import keys
from llmos.wire.receipts import key_id, sign, statement, verify

MAKE = "from llmos.provenance.keys import public_keys; print(public_keys()[0].hex())"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMOS_HOME", str(tmp_path))
    return tmp_path


def test_all_who_ask_at_once_get_the_same_key(home: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: keys.signing_key().private_bytes_raw(), range(64)))

    assert len(set(made)) == 1
    assert sorted(os.listdir(home / "keys")) == ["signing.key"]


def test_processes_that_ask_at_once_get_the_same_key(home: Path) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", MAKE], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert len({child.communicate()[0] for child in children}) == 1


def test_only_the_owner_reads_the_key(home: Path) -> None:
    keys.signing_key()

    assert stat.S_IMODE((home / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "keys" / "signing.key").stat().st_mode) == 0o600


def test_a_kill_while_the_key_is_made_leaves_no_half_key(home: Path) -> None:
    cut_off = "import os; os.link = lambda *_: os.kill(os.getpid(), 9)\n" + MAKE
    assert subprocess.run([sys.executable, "-c", cut_off]).returncode == -9
    assert not (home / "keys" / "signing.key").exists()

    assert keys.public_keys() == [keys.signing_key().public_key().public_bytes_raw()]


def test_a_kill_while_the_key_is_replaced_leaves_the_old_one_signing(home: Path) -> None:
    old = keys.public_keys()
    cut_off = (
        "from llmos.provenance import keys; import os\n"
        "keys._put = lambda *_, **__: os.kill(os.getpid(), 9)\nkeys.rotate()"
    )
    assert subprocess.run([sys.executable, "-c", cut_off]).returncode == -9

    assert keys.public_keys() == old


def test_what_a_replaced_key_signed_stays_true(home: Path) -> None:
    before = sign(statement([], {}), keys.signing_key())
    run_llmos(home, "keys", "rotate", "--yes")
    run_llmos(home, "keys", "rotate", "--yes")
    after = sign(statement([], {}), keys.signing_key())

    known = keys.public_keys()
    assert len(known) == 3
    assert verify(after, known).keyid == key_id(known[0])
    assert verify(before, known).keyid == key_id(known[2])
    shown = run_llmos(home, "keys", "show").splitlines()
    assert [line.split()[1:] for line in shown] == [
        [known[0].hex(), "present"],
        [known[1].hex(), "retired"],
        [known[2].hex(), "retired"],
    ]


def test_a_damaged_key_is_said_to_be_so(home: Path) -> None:
    keys.signing_key()
    (home / "keys" / "signing.key").write_bytes(b"short")

    with pytest.raises(Broken, match="restore it from a backup"):
        keys.signing_key()


def test_a_hub_publishes_its_keys_and_backs_them_up(hub_server: HubServer, tmp_path: Path) -> None:
    with urllib.request.urlopen(f"{hub_server.url}/.well-known/llmos-keys.json") as answer:
        [described] = json.load(answer)["keys"]
    public = bytes.fromhex(described["keyval"]["public"])
    assert described["keyid"] == key_id(public)
    assert described["state"] == "present"
    read = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"],
        input=described["pem"].encode(),
        capture_output=True,
        check=True,
    )
    assert read.stdout.endswith(public)

    hub_server.command("backup", str(tmp_path / "copy"))

    kept = tmp_path / "copy" / "keys" / "signing.key"
    assert kept.read_bytes() == (hub_server.home / "keys" / "signing.key").read_bytes()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
