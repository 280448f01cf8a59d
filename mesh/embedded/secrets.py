"""Secrets and other private files of the embedded services."""

import secrets
from collections.abc import Callable
from pathlib import Path


def new_secret() -> str:
    """Return a secret that nobody can guess, of characters that are safe in addresses and headers."""
    return secrets.token_urlsafe(24)


def kept_secret(path: Path, make: Callable[[], str] = new_secret) -> str:
    """Return the secret kept in a file that only we can read; make one the first time."""
    if not path.exists():
        write_private(path, make())
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)
