"""Pushing a folder as one commit, through the client that everybody uses."""

from pathlib import Path

from llmos.lab.errors import BadData


def require_sign_in(repo: str) -> None:
    """Raises BadData when nobody could push from here."""
    from httpx2 import HTTPError  # what huggingface_hub speaks with
    from huggingface_hub import HfApi
    from huggingface_hub.errors import LocalTokenNotFoundError

    try:
        HfApi().whoami()
    except LocalTokenNotFoundError as error:
        raise BadData(
            f"Nobody is signed in who could push to {repo}: set HF_ENDPOINT and HF_TOKEN, or run "
            "`hf auth login`"
        ) from error
    except HTTPError as error:
        reason = str(error).strip().splitlines()[0]
        raise BadData(f"The hub does not let us push to {repo}: {reason}") from error


def publish(folder: Path, repo: str, message: str, *, kind: str = "model") -> str:
    """Make the repository if it is not there, and push the folder. Returns the commit.

    Raises BadData with the hub's own words.
    """
    from httpx2 import HTTPError  # what huggingface_hub speaks with
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi()
    additions = [
        CommitOperationAdd(path.relative_to(folder).as_posix(), path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    try:
        if not api.repo_exists(repo, repo_type=kind):
            api.create_repo(repo, repo_type=kind, exist_ok=True)
        done = api.create_commit(repo, additions, commit_message=message, repo_type=kind)
    except HTTPError as error:
        said = getattr(error, "server_message", None)
        reason = said or str(error).strip().splitlines()[-1]
        raise BadData(f"The hub did not take the commit to {repo}: {reason}") from error
    return str(done.oid)
