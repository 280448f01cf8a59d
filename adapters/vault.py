"""Secrets at rest: sealed with the first of several keys, opened with whichever fits, so that keys can be replaced.

MultiFernet: https://cryptography.io/en/latest/fernet/#cryptography.fernet.MultiFernet
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from brokers.verdict import Unavailable

_SHOWN_FROM = 9  # a shorter secret would be given away by its ends
_HIDDEN = "***"


class CannotOpenError(Unavailable):
    """None of the keys opens a sealed value: a key is missing. An operator can give it back, so nothing is refused."""


class Vault:
    """Seals and opens JSON values with the keys of MESH_ENCRYPTION_KEYS, the current one first."""

    def __init__(self, keys: Iterable[str]) -> None:
        """Raise ValueError without a key, or for one that is no Fernet key."""
        rings = [Fernet(key.strip()) for key in keys if key.strip()]
        if not rings:
            raise ValueError("no encryption key is set")
        self._fernet = MultiFernet(rings)

    def seal(self, value: Any) -> str:
        """Return a value as ciphertext under the current key."""
        return self._fernet.encrypt(orjson.dumps(value)).decode()

    def open(self, sealed: str) -> Any:
        """Return what was sealed."""
        try:
            return orjson.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken as error:
            raise CannotOpenError("no key of MESH_ENCRYPTION_KEYS opens this secret") from error

    def rotate(self, sealed: str) -> str:
        """Return the same secret under the current key."""
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken as error:
            raise CannotOpenError("no key of MESH_ENCRYPTION_KEYS opens this secret") from error


def new_key() -> str:
    """Return a key for a `Vault`."""
    return Fernet.generate_key().decode()


def masked(value: Any) -> Any:
    """Return a secret as people may see it: the ends of a long one, nothing of a short one."""
    if isinstance(value, Mapping):
        return {name: masked(part) for name, part in value.items()}
    if isinstance(value, list):
        return [masked(part) for part in value]
    text = str(value)
    return f"{text[:4]}{_HIDDEN}{text[-3:]}" if len(text) >= _SHOWN_FROM else _HIDDEN
