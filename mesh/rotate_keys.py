"""`mesh rotate-keys`: every secret in SQL under the current key, so that an old one can be taken away."""

import asyncio
from dataclasses import dataclass, field

from adapters.vault import CannotOpenError, Vault, new_key
from mesh.compose import Composition
from mesh.console import console, notes
from persistence.relay.secrets import SEALED
from settings import Settings

#: Rows of one transaction: whoever changes a credential meanwhile waits for milliseconds.
PAGE = 100


@dataclass
class Rotation:
    """What was found: values that are sealed anew, those that were current already, and those that no key opens."""

    rotated: int = 0
    current: int = 0
    lost: list[str] = field(default_factory=list)


def new() -> int:
    """Print a fresh key."""
    console.print(new_key(), soft_wrap=True)
    return 0


def run() -> int:
    """Seal everything anew; 1 if something could not be opened."""
    found = asyncio.run(_rotated())
    console.print(f"{found.rotated} secrets sealed with the current key, {found.current} were already.")
    if found.lost:
        notes.print(
            f"No key of MESH_ENCRYPTION_KEYS opens {', '.join(found.lost)}: add the key, or store them again.",
            style="red",
        )
        return 1
    console.print("The other keys of MESH_ENCRYPTION_KEYS are not needed any more.", style="dim")
    return 0


async def _rotated() -> Rotation:
    composition = Composition(Settings(), "rotate-keys")
    keys = [key.get_secret_value() for key in composition.settings.encryption_keys]
    found = Rotation()
    try:
        vault = composition.vault
        for name in SEALED:
            await _rotate(composition, name, found, (vault, Vault(keys[:1])))
    finally:
        await composition.close()
    return found


async def _rotate(composition: Composition, name: str, found: Rotation, vaults: tuple[Vault, Vault]) -> None:
    every, current = vaults

    def resealed(number: int, sealed: str) -> str | None:
        if _opens(current, sealed):
            found.current += 1
            return None
        if not _opens(every, sealed):
            found.lost.append(f"{name} {number}")
            return None
        return every.rotate(sealed)

    after = -1
    while True:
        async with composition.database.uow() as tx:
            last, count = await tx.secrets.resealed(name, resealed, after=after, limit=PAGE)
        found.rotated += count
        if last == after:
            return
        after = last


def _opens(vault: Vault, sealed: str) -> bool:
    try:
        vault.open(sealed)
    except CannotOpenError:
        return False
    return True
