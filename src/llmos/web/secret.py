"""The hub's secret key: made on first use, readable by its owner only."""

import os
import secrets

from llmos.kit.home import Home


def secret_key(home: Home) -> str:
    """Read the key, or make it; two processes starting at once agree on one."""
    home.root.mkdir(parents=True, exist_ok=True)
    temporary = home.root / f".secret.{os.getpid()}.tmp"
    if not home.secret_key.exists():
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, home.secret_key)  # fails if another process was first
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return home.secret_key.read_text().strip()
