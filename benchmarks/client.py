"""The unmodified hub client in a process of its own, so that its CPU is told from the server's.

`python -m benchmarks.client upload REPO FILE NAME` and `… download REPO NAME FOLDER` print
their own wall and CPU seconds as JSON, without the time that importing the client takes.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Spent:
    wall_s: float
    cpu_s: float


def upload(environment: Mapping[str, str], repository: str, file: Path, name: str) -> Spent:
    """Upload one file the way a member would."""
    return _run(environment, "upload", repository, str(file), name)


def download(environment: Mapping[str, str], repository: str, name: str, folder: Path) -> Spent:
    return _run(environment, "download", repository, name, str(folder))


def _run(environment: Mapping[str, str], *arguments: str) -> Spent:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.client", *arguments],
        env={**environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return Spent(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    from huggingface_hub import HfApi, hf_hub_download

    api = HfApi()
    deed, repository, first, second = sys.argv[1:]
    deeds: dict[str, Callable[[], object]] = {
        "upload": lambda: api.upload_file(
            path_or_fileobj=first, path_in_repo=second, repo_id=repository
        ),
        "download": lambda: hf_hub_download(repository, first, local_dir=second),
    }
    start, cpu = time.perf_counter(), time.process_time()
    deeds[deed]()
    spent = Spent(wall_s=time.perf_counter() - start, cpu_s=time.process_time() - cpu)
    sys.stdout.write(json.dumps(asdict(spent)) + "\n")


if __name__ == "__main__":
    main()
