"""Install Olah beside us, never among us: `python -m benchmarks.install_olah`."""

import subprocess
import sys

from benchmarks.rivals import OLAH_FOLDER

VERSION = "0.5.4"


def main() -> None:
    subprocess.run([sys.executable, "-m", "venv", OLAH_FOLDER], check=True)
    subprocess.run([OLAH_FOLDER / "bin" / "pip", "install", "-q", f"olah=={VERSION}"], check=True)


if __name__ == "__main__":
    main()
