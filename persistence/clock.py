"""The one clock of all publishers: the database's, read now and then, carried forward by this process's steady one."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from brokers.verdict import Unavailable

log = structlog.get_logger()

#: Steady clocks drift by milliseconds in this time, and one that is put right is followed soon enough.
READ_EVERY: Final = timedelta(seconds=10)
#: Until the first reading nothing can be done, so it is asked for again at once.
FIRST_READ_EVERY: Final = timedelta(seconds=0.5)
#: A difference beyond this is told: a round trip is shorter, and leases are counted in seconds.
JUMP: Final = timedelta(seconds=2)


class SharedClock:
    """A clock that wrong or jumping clocks of single machines do not touch.

    What is due and whose lease is over must look the same to every publisher, or one of them takes what another holds
    or writes to people in the middle of the night. Raises Unavailable until the database has been asked once.
    """

    def __init__(self, read: Callable[[], Awaitable[datetime]], steady: Callable[[], float] = time.monotonic) -> None:
        """`read` returns the database's time; `steady` returns seconds, never goes back and is never set."""
        self._read = read
        self._steady = steady
        self._anchor: tuple[datetime, float] | None = None
        self._is_read = asyncio.Event()

    def __call__(self) -> datetime:
        """Return the time."""
        if self._anchor is None:
            raise Unavailable("the database's clock has not been read yet")
        at, steady = self._anchor
        return at + timedelta(seconds=self._steady() - steady)

    async def known(self, stop: asyncio.Event) -> None:
        """Return once it can tell the time, or when told to stop."""
        waiting = [asyncio.create_task(self._is_read.wait()), asyncio.create_task(stop.wait())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the database's clock until told to stop."""
        while not stop.is_set():
            try:
                await self.read()
            except Unavailable as error:
                log.log(logging.DEBUG if self._anchor else logging.WARNING, "clock_unread", reason=str(error))
            pause = READ_EVERY if self._anchor else FIRST_READ_EVERY
            with contextlib.suppress(TimeoutError):  # then it is time to look again
                async with asyncio.timeout(pause.total_seconds()):
                    await stop.wait()

    async def read(self) -> None:
        """Read the database's clock once. Raises Unavailable."""
        before = self._steady()
        at = await self._read()
        jump = at - self() if self._anchor else timedelta()
        if abs(jump) > JUMP:
            log.warning("shared_clock_jumped", seconds=jump.total_seconds())
        self._anchor = at, before
        self._is_read.set()
