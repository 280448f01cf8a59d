"""How fast and when an account moves: so many steps a minute, unevenly, in the hours when people of its region work."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import time as clock_time
from typing import Any

from crawlers.errors import OutOfHours
from schemas.clock import Clock, utc_now
from schemas.zones import zone_of

Hours = tuple[clock_time, clock_time]


@dataclass(frozen=True, slots=True)
class Politeness:
    """What we impose on ourselves: `per_minute` 0 is no limit, `jitter` the share by which a wait may be off.

    `hours` is from when to when a region's accounts work, by its wall clock; the span may cross midnight; a region
    without one works always.
    """

    per_minute: float = 20
    jitter: float = 0.4
    hours: dict[str, Hours] = field(default_factory=dict)

    def opens_at(self, region: str, now: datetime) -> datetime | None:
        """Return when a region's next working hours begin; None if now is within them."""
        span = self.hours.get(region.upper())
        if span is None or span[0] == span[1]:
            return None
        begin, end = span
        local = now.astimezone(zone_of(region))
        at = local.time().replace(tzinfo=None)
        is_open = begin <= at < end if begin < end else at >= begin or at < end
        if is_open:
            return None
        day = local.date() if at < begin else local.date() + timedelta(days=1)
        return datetime.combine(day, begin, tzinfo=zone_of(region)).astimezone(now.tzinfo)


class Pace:
    """The steps of one account; every call on the site takes a turn first."""

    def __init__(
        self,
        politeness: Politeness,
        region: str,
        *,
        clock: Clock = utc_now,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._politeness = politeness
        self._region = region
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic
        self._next_at = 0.0

    async def turn(self) -> None:
        """Wait until the next step may be made; raises OutOfHours."""
        opens_at = self._politeness.opens_at(self._region, self._clock())
        if opens_at is not None:
            raise OutOfHours(f"accounts of {self._region} do not work now", opens_at)
        if not self._politeness.per_minute:
            return
        wait = self._next_at - self._monotonic()
        if wait > 0:
            await self._sleep(wait)
        usual, off = 60 / self._politeness.per_minute, self._politeness.jitter
        self._next_at = self._monotonic() + usual * random.uniform(1 - off, 1 + off)
