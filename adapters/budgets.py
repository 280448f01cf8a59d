"""Rate budgets that all processes share: so many calls a period for one account, counted in Redis.

Without Redis each process counts for itself. https://limits.readthedocs.io/en/stable/strategies.html
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

import structlog
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

log = structlog.get_logger()

_FAMILY = "mesh-relay"
#: Where the budget cannot be read by then, work goes on under the platform's own throttling.
_PATIENCE = timedelta(seconds=1)
#: A shorter wait would be over before the pause for it is written.
_LEAST_WAIT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Grant:
    """How many calls may be made now, and, where that is none, how long to wait."""

    calls: int
    wait: timedelta = timedelta()


class Budgets:
    """Calls granted to destinations."""

    def __init__(self, storage: Storage) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    @classmethod
    def at(cls, redis_url: str | None) -> "Budgets":
        """Return budgets shared through Redis, or of this process alone."""
        if redis_url is None:
            return cls(MemoryStorage())
        storage = storage_from_string(f"async+{redis_url}", implementation="redispy")
        assert isinstance(storage, Storage)
        return cls(storage)

    async def grant(self, account: str, wanted: int, *, calls: int, period: timedelta) -> Grant:
        """Take up to `wanted` calls out of an account's budget of `calls` a `period`."""
        budget = RateLimitItemPerSecond(calls, max(int(period.total_seconds()), 1), namespace=_FAMILY)
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                return await self._granted(budget, account, wanted)
        except Exception as error:  # noqa: BLE001 -- a budget that cannot be read must not stop deliveries
            log.warning("budget_unknown", account=account, error=repr(error))
            return Grant(wanted)

    async def _granted(self, budget: RateLimitItem, account: str, wanted: int) -> Grant:
        stats = await self._limiter.get_window_stats(budget, account)
        cost = min(wanted, stats.remaining)
        if cost > 0 and await self._limiter.hit(budget, account, cost=cost):
            return Grant(cost)
        stats = await self._limiter.get_window_stats(budget, account)
        wait = timedelta(seconds=max(stats.reset_time - time.time(), 0.0))
        return Grant(0, max(min(wait, timedelta(seconds=budget.get_expiry())), _LEAST_WAIT))
