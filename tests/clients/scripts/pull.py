"""Download one file: `pull.py download|filesystem REPO NAME FOLDER`; writes FOLDER/NAME."""

import sys
from pathlib import Path

from huggingface_hub import HfFileSystem, hf_hub_download

way, repo, name, folder = sys.argv[1:]
if way == "download":
    hf_hub_download(repo, name, local_dir=folder)
else:
    with HfFileSystem().open(f"{repo}/{name}", "rb", block_size=1 << 20) as file:
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / name).write_bytes(file.read())
