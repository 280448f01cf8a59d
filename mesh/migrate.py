"""`mesh migrate`: bring the database to the shape this code expects."""

import asyncio

from mesh.compose import database_url
from persistence.migrate import current, upgrade
from settings import Settings


def run() -> tuple[str | None, str | None]:
    """Run what has not run yet; return the revision before and after. Safe to call from many processes at once."""
    url = database_url(Settings())

    async def migrate() -> tuple[str | None, str | None]:
        before = await current(url)
        await upgrade(url)
        return before, await current(url)

    return asyncio.run(migrate())
