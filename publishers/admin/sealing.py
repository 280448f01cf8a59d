"""Secrets on their way in and out: sealed before they are stored, masked before they are shown."""

from collections.abc import Mapping
from typing import Any

from adapters.vault import CannotOpenError, Vault, masked


def kept(vault: Vault, said: Mapping[str, Any] | None, stored: str | None) -> str | None:
    """Return the ciphertext of a secret; a part that equals its own mask stays what it was."""
    if said is None:
        return None
    before = _opened(vault, stored)
    secret = {name: _unmasked(value, before.get(name)) for name, value in said.items()}
    return stored if stored and secret == before else vault.seal(secret)


def shown(vault: Vault, sealed: str) -> dict[str, Any]:
    """Return a secret as anybody may see it; nothing of one that no key opens."""
    return {name: masked(value) for name, value in _opened(vault, sealed).items()}


def _opened(vault: Vault, sealed: str | None) -> dict[str, Any]:
    if not sealed:
        return {}
    try:
        opened: dict[str, Any] = vault.open(sealed)
    except CannotOpenError:
        return {}
    return opened


def _unmasked(value: Any, before: Any) -> Any:
    if isinstance(value, dict) and isinstance(before, dict):
        return {name: _unmasked(part, before.get(name)) for name, part in value.items()}
    return before if before is not None and value == masked(before) else value
