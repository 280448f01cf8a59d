"""Answers of calls that a page makes when it likes, collected as they arrive."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Error, Page, Response

from crawlers.pages.answers import judged


@dataclass(frozen=True, slots=True)
class Arrival:
    """An answer: what was asked, and a task that returns its data or raises what it means."""

    asked: dict[str, Any]
    data: "asyncio.Task[dict[str, Any]]"


class Arrivals:
    """What has arrived, in order."""

    def __init__(self, fits: Callable[[Response], bool]) -> None:
        self._fits = fits
        self._new = asyncio.Event()
        self.listed: list[Arrival] = []

    def note(self, response: Response) -> None:
        """Take an answer that fits."""
        if self._fits(response):
            self.listed.append(Arrival(_asked(response), asyncio.ensure_future(judged(response))))
            self._new.set()

    async def at_least(self, number: int, seconds: float) -> bool:
        """Wait for so many to arrive; False if they do not in time."""
        try:
            async with asyncio.timeout(seconds):
                while len(self.listed) < number:
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
        reading = [arrival.data for arrival in arrivals.listed]
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)


def _asked(response: Response) -> dict[str, Any]:
    try:
        asked = response.request.post_data_json
    except (Error, ValueError):
        return {}
    return asked if isinstance(asked, dict) else {}
