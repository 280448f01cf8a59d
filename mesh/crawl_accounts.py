"""`mesh crawl accounts`, `resume` and `seal`: who rests, an end to a rest, passwords that may lie in a file."""

import asyncio

from crawlers.errors import NoAccount
from crawlers.pauses import Pause
from mesh.browsing import accounts_of, browsing
from mesh.compose import Composition
from mesh.console import console, print_json, table
from settings import Settings


def listed(*, as_json: bool) -> None:
    """Show the accounts of the file."""
    settings = Settings()
    read = accounts_of(settings)
    if read.problem:
        raise NoAccount(read.problem)
    accounts = read.listed
    pauses = asyncio.run(_pauses(settings, [account.name for account in accounts]))
    rows = [(each.name, each.region, each.email, _state(each.enabled, pauses[each.name])) for each in accounts]
    if as_json:
        print_json([dict(zip(("name", "region", "email", "state"), row, strict=True)) for row in rows])
        return
    console.print(table("Accounts", ("name", "region", "e-mail", "state"), rows))


def seal(secret: str) -> None:
    """Print a secret under the first of MESH_ENCRYPTION_KEYS."""
    console.print(Composition(Settings(), "crawl").vault.seal(secret), soft_wrap=True)


def resume(names: list[str]) -> None:
    """End the rest of accounts; raises NoAccount for a name that is none."""
    settings = Settings()
    known = {account.name for account in accounts_of(settings).listed}
    if unknown := [name for name in names if name not in known]:
        raise NoAccount(f"no account is called {', '.join(unknown)}; there are {', '.join(sorted(known)) or 'none'}")
    asyncio.run(_resume(settings, names))
    console.print(f"Working again: {', '.join(names)}")


async def _pauses(settings: Settings, names: list[str]) -> dict[str, Pause | None]:
    parts = browsing(settings, None)
    try:
        return {name: await parts.pauses.of(name) for name in names}
    finally:
        await parts.close()


async def _resume(settings: Settings, names: list[str]) -> None:
    parts = browsing(settings, None)
    try:
        for name in names:
            await parts.pauses.end(name)
    finally:
        await parts.close()


def _state(is_enabled: bool, pause: Pause | None) -> str:  # noqa: FBT001 -- a column of the table
    if not is_enabled:
        return "disabled"
    return f"rests until {pause.until:%Y-%m-%d %H:%M} UTC: {pause.kind}, {pause.reason}" if pause else "works"
