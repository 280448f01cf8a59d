"""How fast an account may speak: never more than so many messages in any minute, counted in Redis for all senders.

A moving window, which remembers each message, since windows that are only estimated let twice as many through after a
burst. https://limits.readthedocs.io/en/stable/strategies.html#moving-window
"""

import time
from contextlib import suppress
from datetime import timedelta
from typing import Final

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string

from adapters.patience import Patience
from brokers.verdict import Unavailable

#: A minute, and what a call may be longer under way than the one before it: TikTok counts when they arrive.
WINDOW: Final = timedelta(seconds=62)
#: Whoever has to wait looks again no sooner.
MOMENT: Final = timedelta(seconds=1)
SHORTEST_WAIT: Final = timedelta(milliseconds=100)


class Pace:
    """Turns to speak, by account."""

    def __init__(self, storage: Storage, a_minute: int) -> None:
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._patience = Patience("the pace of accounts", MOMENT)
        self._budget = RateLimitItemPerSecond(a_minute, int(WINDOW.total_seconds()), namespace="tt:rl")

    @classmethod
    def at(cls, redis_url: str | None, a_minute: int) -> "Pace":
        """Return turns that all processes share through Redis, or that are this process's alone."""
        if redis_url is None:
            return cls(MemoryStorage(), a_minute)
        storage = storage_from_string(f"async+{redis_url}", implementation="redispy")
        assert isinstance(storage, Storage)
        return cls(storage, a_minute)

    async def turn(self, business_id: str) -> timedelta:
        """Take a turn and return nothing to wait for, or how long to wait before asking again.

        While Redis is away each process keeps the pace for itself: messages are not held back for it.
        """
        with suppress(Unavailable):
            if not self._patience.is_resting:
                async with self._patience.reached():
                    return await self._asked(self._shared, business_id)
        return await self._asked(self._own, business_id)

    async def _asked(self, limiter: MovingWindowRateLimiter, business_id: str) -> timedelta:
        if await limiter.hit(self._budget, business_id):
            return timedelta()
        stats = await limiter.get_window_stats(self._budget, business_id)
        return max(timedelta(seconds=stats.reset_time - time.time()), SHORTEST_WAIT)
