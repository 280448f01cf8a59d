"""How often a token may call: a bucket of a minute's worth of requests that refills evenly."""

import time
from collections.abc import Callable


class RateLimit:
    """Token buckets, one for each caller, in this process alone: two gateways allow twice as much."""

    def __init__(self, a_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._capacity = float(a_minute)
        self._now = now
        self._buckets: dict[int, tuple[float, float]] = {}

    def take(self, caller: int) -> float:
        """Take one request; return 0 if it is allowed, else the seconds until one is."""
        if not self._capacity:
            return 0.0
        now = self._now()
        left, since = self._buckets.get(caller, (self._capacity, now))
        left = min(self._capacity, left + (now - since) * self._capacity / 60)
        is_allowed = left >= 1
        self._buckets[caller] = (left - 1 if is_allowed else left, now)
        return 0.0 if is_allowed else (1 - left) * 60 / self._capacity
