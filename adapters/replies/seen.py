"""Which notifications the broker has confirmed already, noted in Redis for a week: it saves publishing their copies.

Nothing depends on it: whoever takes notifications in knows each of them in SQL.
"""

import contextlib
from datetime import timedelta
from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from adapters.patience import COOL_DOWN, Patience
from brokers.verdict import Unavailable

#: TikTok repeats what it believes lost for three days.
KEPT: Final = timedelta(days=7)
#: A notification is to be answered within 200 ms, whatever Redis does.
PATIENCE: Final = timedelta(milliseconds=50)


class RedisSeen:
    """Keys that expire after a week; while Redis is away nothing was seen."""

    def __init__(self, redis: Redis, *, patience: timedelta = PATIENCE, cool_down: timedelta = COOL_DOWN) -> None:
        self._redis = redis
        self._patience = Patience("the memory of notifications", patience, cool_down)

    @classmethod
    def at(cls, url: str) -> "RedisSeen":
        """Return the memory on the Redis at `url`; nothing connects yet."""
        seconds = COOL_DOWN.total_seconds()
        pool = BlockingConnectionPool.from_url(
            url,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            # The client's own retries would multiply the timeout; ours is the cool-down.
            retry=Retry(NoBackoff(), 0),
            # In a burst the next one waits for a connection, for as long as anything is waited for here.
            max_connections=50,
            timeout=None,
        )
        return cls(Redis.from_pool(pool))

    async def has(self, key: str) -> bool:
        """Tell whether this was noted; false while Redis is away."""
        if self._patience.is_resting:
            return False
        with contextlib.suppress(Unavailable):
            async with self._patience.reached():
                return bool(await self._redis.exists(_key(key)))
        return False

    async def note(self, key: str) -> None:
        """Note this, unless Redis is away."""
        if self._patience.is_resting:
            return
        with contextlib.suppress(Unavailable):
            async with self._patience.reached():
                await self._redis.set(_key(key), b"1", ex=KEPT)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


def _key(key: str) -> str:
    return f"replies:seen:{key}"
