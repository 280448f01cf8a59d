"""Answers of calls that a page makes when it likes, collected as they arrive."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Page, Response

from crawlers.pages.answers import judged


class Arrivals:
    """What has arrived, in order; each is a task that returns the answer's data or raises what it means."""

    def __init__(self, fits: Callable[[Response], bool]) -> None:
        self._fits = fits
        self._new = asyncio.Event()
        self.tasks: list[asyncio.Task[dict[str, Any]]] = []

    def note(self, response: Response) -> None:
        """Take an answer that fits."""
        if self._fits(response):
            self.tasks.append(asyncio.ensure_future(judged(response)))
            self._new.set()

    async def at_least(self, number: int, seconds: float) -> bool:
        """Wait for so many to arrive; False if they do not in time."""
        try:
            async with asyncio.timeout(seconds):
                while len(self.tasks) < number:
                    self._new.clear()
                    await self._new.wait()
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def arriving(tab: Page, fits: Callable[[Response], bool]) -> AsyncIterator[Arrivals]:
    """Collect the answers that fit while inside."""
    arrivals = Arrivals(fits)
    tab.on("response", arrivals.note)
    try:
        yield arrivals
    finally:
        tab.remove_listener("response", arrivals.note)
        for task in arrivals.tasks:
            task.cancel()
        await asyncio.gather(*arrivals.tasks, return_exceptions=True)
