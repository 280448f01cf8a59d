"""Which notifications the broker has confirmed already, noted in Redis for a week: it saves publishing their copies.

Nothing depends on it: whoever takes notifications in knows each of them in SQL.
"""

import asyncio
import time
from collections.abc import Awaitable
from datetime import timedelta
from typing import Final, TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = structlog.get_logger()

T = TypeVar("T")

#: TikTok repeats what it believes lost for three days.
KEPT: Final = timedelta(days=7)
#: A notification is to be answered within 200 ms, whatever Redis does.
PATIENCE: Final = timedelta(milliseconds=50)
#: How long a Redis that did not answer is not asked again.
COOL_DOWN: Final = timedelta(seconds=5)


class RedisSeen:
    """Keys that expire after a week; while Redis is away nothing was seen."""

    def __init__(self, redis: Redis, *, patience: timedelta = PATIENCE, cool_down: timedelta = COOL_DOWN) -> None:
        self._redis = redis
        self._patience = patience.total_seconds()
        self._cool_down = cool_down.total_seconds()
        self._asleep_until = 0.0
        self._is_away = False

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
        return bool(await self._asked(self._redis.exists(_key(key))))

    async def note(self, key: str) -> None:
        """Note this, unless Redis is away."""
        await self._asked(self._redis.set(_key(key), b"1", ex=KEPT))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _asked(self, question: Awaitable[T]) -> T | None:
        if time.monotonic() < self._asleep_until:
            _unasked(question)
            return None
        try:
            async with asyncio.timeout(self._patience):
                answer = await question
        except (RedisError, OSError, TimeoutError) as error:
            self._asleep_until = time.monotonic() + self._cool_down
            if not self._is_away:
                log.warning("seen_away", error=type(error).__name__)
            self._is_away = True
            return None
        self._is_away = False
        return answer


def _unasked(question: Awaitable[object]) -> None:
    """Drop a question that is not asked, without Python's warning that nobody awaited it."""
    if asyncio.iscoroutine(question):
        question.close()


def _key(key: str) -> str:
    return f"replies:seen:{key}"
