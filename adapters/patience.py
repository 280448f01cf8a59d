"""How an adapter treats a Redis that it can do without: it waits a moment, says once what is away, and lets it rest."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from redis.exceptions import RedisError

from brokers.verdict import Unavailable

log = structlog.get_logger()

COOL_DOWN = timedelta(seconds=5)  # how long a dead Redis is not asked again


class Patience:
    """What stands between an adapter and Redis: each call is given a moment, and an outage is told once.

    `what` names the adapter's part in the log and in the errors.
    """

    def __init__(self, what: str, moment: timedelta, cool_down: timedelta = COOL_DOWN) -> None:
        self._what = what
        self._moment = moment.total_seconds()
        self._cool_down = cool_down.total_seconds()
        self._asleep_until = 0.0
        self._is_away = False

    @property
    def is_resting(self) -> bool:
        """Whether Redis failed so lately that nobody asks it."""
        return time.monotonic() < self._asleep_until

    @asynccontextmanager
    async def reached(self) -> AsyncIterator[None]:
        """Translate every failure of what is inside to Unavailable, and rest after one."""
        try:
            async with asyncio.timeout(self._moment):
                yield
        except (RedisError, OSError, TimeoutError) as error:
            self._rest(error)
            raise Unavailable(f"{self._what} is away: {type(error).__name__}") from error
        if self._is_away:
            self._is_away = False
            self._asleep_until = 0.0
            log.info("redis_back", of=self._what)

    def _rest(self, error: Exception) -> None:
        self._asleep_until = time.monotonic() + self._cool_down
        if not self._is_away:
            self._is_away = True
            log.warning("redis_away", of=self._what, error=type(error).__name__)
