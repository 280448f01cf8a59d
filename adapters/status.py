"""The status board on Redis: fast while Redis is there, free of charge while it is not."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import islice

from pydantic import TypeAdapter
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from adapters.patience import COOL_DOWN, Patience
from brokers.status import State, Status
from brokers.verdict import Unavailable

KEPT = timedelta(hours=24)
PATIENCE = timedelta(milliseconds=250)  # Redis answers in one; who waits longer waits for an outage
CHUNK = 200  # statuses in one script, so that Redis is never held for more than about a millisecond

#: For each key: put the new value unless the kept one has a higher rank, or is already final. A value is its rank, one
#: digit, and then JSON. One script makes the comparison and the write a single step.
_ADVANCE = f"""
for i, key in ipairs(KEYS) do
  local kept = redis.call('GET', key)
  local value = ARGV[i + 1]
  local was = kept and tonumber(string.sub(kept, 1, 1)) or -1
  if was ~= {State.DONE.rank} and tonumber(string.sub(value, 1, 1)) >= was then
    redis.call('SET', key, value, 'EX', ARGV[1])
  end
end
"""

_STATUS = TypeAdapter(Status)


class RedisStatusBoard:
    """Statuses as Redis strings that expire after a day.

    It fails open: when Redis does not answer, one warning is logged, and for the length of the cool-down `record`
    returns at once and `read` raises at once.
    """

    def __init__(self, redis: Redis, *, patience: timedelta = PATIENCE, cool_down: timedelta = COOL_DOWN) -> None:
        self._redis = redis
        self._patience = Patience("the status board", patience, cool_down)

    @classmethod
    def at(cls, url: str, *, patience: timedelta = PATIENCE, cool_down: timedelta = COOL_DOWN) -> "RedisStatusBoard":
        """Return a board on the Redis at `url`; nothing connects yet."""
        seconds = patience.total_seconds()
        redis = Redis.from_url(
            url,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            # The client's own retries would multiply the timeout; ours is the cool-down.
            retry=Retry(NoBackoff(), 0),
            max_connections=20,
        )
        return cls(redis, patience=patience, cool_down=cool_down)

    async def record(self, statuses: Sequence[Status]) -> None:
        """Keep these, unless Redis is away."""
        if not statuses or self._patience.is_resting:
            return
        try:
            async with self._patience.reached():
                waiting = iter(statuses)
                while chunk := list(islice(waiting, CHUNK)):
                    await self._advance(chunk)
        except Unavailable:
            # Ignored on purpose, and already logged: a status is a convenience.
            return

    async def read(self, message_id: str) -> Status | None:
        """Return the last status of a message."""
        if self._patience.is_resting:
            raise Unavailable("the status board is away")
        async with self._patience.reached():
            value = await self._redis.get(_key(message_id))
        return _STATUS.validate_json(value[1:]) if value else None

    async def probe(self) -> None:
        """Raise Unavailable if Redis does not answer now, whatever the cool-down says."""
        async with self._patience.reached():
            await self._redis.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _advance(self, statuses: list[Status]) -> None:
        keys = [_key(status.message_id) for status in statuses]
        values = [str(status.state.rank).encode() + _STATUS.dump_json(status) for status in statuses]
        await self._redis.eval(_ADVANCE, len(keys), *keys, int(KEPT.total_seconds()), *values)


def _key(message_id: str) -> str:
    return f"mesh:status:{message_id}"
