"""Upload one file: `push.py path|stream REPO FILE NAME`."""

import sys
from pathlib import Path

from huggingface_hub import HfApi

way, repo, file, name = sys.argv[1:]
with Path(file).open("rb") as stream:
    HfApi().upload_file(
        path_or_fileobj=stream if way == "stream" else file, path_in_repo=name, repo_id=repo
    )
