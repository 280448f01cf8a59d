"""What is watched while a session is at work: that its account is still ours, and that its browser still answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from crawlers.leases import Lease

log = structlog.get_logger()

#: How often a page is asked whether it is there, and how many answers in a row may be missing.
_ASKED_EVERY_S = 15.0
_MISSED = 2


class Watched(Protocol):
    """What is watched of a session."""

    lease: Lease

    async def answers(self) -> bool:
        """Tell whether the page answers."""

    async def stop_at_once(self) -> None:
        """End the browser without a further word to the site."""


@asynccontextmanager
async def watched(session: Watched) -> AsyncIterator[None]:
    """Watch a session while inside."""
    watching = [asyncio.create_task(watch(session)) for watch in (_stop_when_lost, _stop_when_hung)]
    try:
        yield
    finally:
        for task in watching:
            task.cancel()


async def _stop_when_lost(session: Watched) -> None:
    await session.lease.lost.wait()
    log.error("crawl_lease_lost", account=session.lease.account)
    await session.stop_at_once()


async def _stop_when_hung(session: Watched) -> None:
    """End a browser that answers nothing: whoever waits for it would do so for ever, the account's lease renewed."""
    missed = 0
    while True:
        await asyncio.sleep(_ASKED_EVERY_S)
        missed = 0 if await session.answers() else missed + 1
        if missed >= _MISSED:
            log.error("browser_hangs", account=session.lease.account)
            await session.stop_at_once()
            missed = 0
