"""Secrets and other private files of the embedded services."""

import secrets
from pathlib import Path


def kept_secret(path: Path) -> str:
    """Return the secret kept in a file that only we can read; make one the first time."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)
