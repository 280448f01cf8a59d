"""The poller of deliveries: what falls due again, or was left by a sender that died, wakes its destination."""

import asyncio
from datetime import timedelta

from brokers.outgoing import outgoing
from brokers.verdict import Unavailable
from persistence.uow import Uow
from publishers.clockwork import Pace, keep_passing
from publishers.confirming import ConfirmingPublisher
from schemas.clock import Clock
from schemas.relay.messages import SendDeliveries

#: A switch that is thrown back should be felt at once, and a look costs one query over the destinations.
PACE = Pace(shortest=timedelta(milliseconds=100), longest=timedelta(milliseconds=500))
#: Before it is over no second wake-up is sent: senders of a destination would only get into each other's way.
WOKEN_FOR = timedelta(seconds=5)
#: More destinations than that have something due only after an outage, and then the next pass follows at once.
AT_ONCE = 500


class DeliveriesPoller:
    """Wakes destinations that are on, not paused, and have something due; several may run."""

    def __init__(self, uow: Uow, publisher: ConfirmingPublisher, clock: Clock, pace: Pace = PACE) -> None:
        self._uow = uow
        self._publisher = publisher
        self._clock = clock
        self._pace = pace

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until told to stop."""
        await keep_passing(self.pass_once, name="deliveries", stop=stop, pace=self._pace)

    async def pass_once(self) -> int:
        """Wake what is due and return how many destinations that were; raises Unavailable if one was not confirmed."""
        now = self._clock()
        async with self._uow() as tx:
            due = await tx.destinations.due(now, AT_ONCE)
            await tx.destinations.wake(due, now + WOKEN_FOR)
        if not due:
            return 0
        outcomes = await self._publisher.publish_many([outgoing(SendDeliveries(destination_id=each)) for each in due])
        failures = [outcome for outcome in outcomes if outcome is not None]
        if failures:
            raise Unavailable(f"{len(failures)} of {len(due)} wake-ups not confirmed: {failures[0]}")
        return len(due)
