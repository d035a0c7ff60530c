"""Pushing a folder as one commit, through the client that everybody uses."""

from pathlib import Path

from llmos.lab.errors import BadData


def publish(folder: Path, repo: str, message: str, *, kind: str = "model") -> str:
    """Make the repository if it is not there, and push the folder. Returns the commit.

    Raises BadData with the hub's own words.
    """
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError

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
    except HfHubHTTPError as error:
        reason = error.server_message or str(error).strip().splitlines()[-1]
        raise BadData(f"The hub did not take the commit to {repo}: {reason}") from error
    return str(done.oid)
