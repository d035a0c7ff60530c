"""The tables that migrations make are those of the models: tests make theirs from the models."""

import os
import subprocess
import sys
from pathlib import Path


def test_no_model_waits_for_its_migration(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "django", "makemigrations", "--check", "--dry-run"],
        env={**os.environ, "LLMOS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
