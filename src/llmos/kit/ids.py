"""Names that nobody can guess, and fingerprints of secrets."""

import hashlib
import secrets

TOKEN_PREFIX = "hf_"  # clients and secret scanners of the field know this shape


def new_token() -> str:
    """A fresh access token: 37 characters of 62 letters, about 202 bits of chance."""
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return TOKEN_PREFIX + "".join(secrets.choice(alphabet) for _ in range(34))


def fingerprint(secret: str) -> str:
    """SHA-256 of a secret, in hex: what is stored in its place.

    A plain hash is enough since tokens are random; passwords go through Argon2.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
