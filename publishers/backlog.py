"""What marketing events wait for, told as metrics: how many to each platform, how long, and who needs an operator."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

from brokers import metrics
from persistence.uow import Uow
from publishers.clockwork import Pace, keep_passing
from schemas.clock import Clock
from schemas.relay.selection import Backlog

#: As often as Prometheus asks.
EVERY = timedelta(seconds=15)
#: A pause that is longer does not end by itself.
_FOR_GOOD = timedelta(days=1)


class BacklogWatch:
    """Looks at every destination; several may run, and show the same."""

    def __init__(self, uow: Uow, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Look until told to stop."""
        await keep_passing(self.pass_once, name="backlog", stop=stop, pace=Pace(shortest=EVERY, longest=EVERY))

    async def pass_once(self) -> int:
        """Tell how things stand; there is never more to do at once."""
        now = self._clock()
        async with self._uow() as tx:
            found = await tx.destinations.backlogs(now)
        tell(found, now)
        return 0


def tell(found: list[Backlog], now: datetime) -> None:
    """Show what was found, by platform; one that has no destination any more shows nothing."""
    waiting, paused, lag = Counter[str](), Counter[str](), dict[str, float]()
    for each in found:
        name = each.platform_code
        waiting[name] += each.waiting
        paused[name] += each.paused_until is not None and each.paused_until > now + _FOR_GOOD
        late = (now - each.due_since).total_seconds() if each.due_since else 0.0
        lag[name] = max(lag.get(name, 0.0), late)
    for gauge, values in ((metrics.relay_waiting, waiting), (metrics.relay_paused, paused), (metrics.relay_lag, lag)):
        gauge.clear()
        for name, value in values.items():
            gauge.labels(name).set(value)
