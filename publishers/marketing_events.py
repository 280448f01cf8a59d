"""The poller of `marketing_events`: rows that other systems wrote, and held ones that can go on, become messages."""

import asyncio
from datetime import timedelta

import structlog

from brokers.outgoing import new_message_id, outgoing
from brokers.verdict import Unavailable
from persistence.uow import Uow
from publishers.clockwork import Pace, Polling, keep_passing
from publishers.confirming import ConfirmingPublisher
from schemas.clock import Clock
from schemas.relay.messages import AdoptEvents

log = structlog.get_logger()

#: A row is to be on its way within five seconds of its insert, the handler's part included.
PACE = Pace(shortest=timedelta(milliseconds=100), longest=timedelta(seconds=1))


class MarketingEventsPoller:
    """Claims rows that nobody has looked at and says so; several may run.

    A claim is a lease: rows that a lost message named are claimed again when it is over, and the handler takes each
    only once.
    """

    def __init__(self, uow: Uow, publisher: ConfirmingPublisher, clock: Clock, polling: Polling | None = None) -> None:
        self._uow = uow
        self._publisher = publisher
        self._clock = clock
        self._polling = polling or Polling(pace=PACE)

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until told to stop."""
        await keep_passing(self.pass_once, name="marketing_events", stop=stop, pace=self._polling.pace)

    async def pass_once(self) -> int:
        """Claim one batch and publish it; return how many rows it held. Raises Unavailable if it was not confirmed."""
        async with self._uow() as tx:
            ids = await tx.events.claim_unadopted(
                now=self._clock(), limit=self._polling.batch_size, token=new_message_id(), lease=self._polling.lease
            )
        if not ids:
            return 0
        (outcome,) = await self._publisher.publish_many([outgoing(AdoptEvents(ids=ids))])
        if outcome is not None:
            raise Unavailable(f"{len(ids)} rows wait for their lease to end: {outcome}")
        log.info("events_found", rows=len(ids))
        return len(ids)
