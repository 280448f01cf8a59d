"""The outbox relay: what transactions wanted said is published with confirms, in the order it was written."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from brokers import metrics
from brokers.outgoing import new_message_id
from brokers.verdict import Reject, Unavailable
from persistence.outbox import OutboxRow
from persistence.uow import Uow
from publishers.clockwork import Polling, insist, keep_passing
from publishers.confirming import ConfirmingPublisher
from schemas.clock import Clock

log = structlog.get_logger()

#: Reading the backlog is a count of the table, so it is done now and then and not on every pass.
MEASURED_EVERY = timedelta(seconds=2)


class OutboxRelay:
    """Moves outbox rows to the broker; a row is deleted only after its message was confirmed.

    Several relays may run. A claim is a lease: a relay that dies between confirm and delete leaves rows that are
    published again, under the same message id, when the lease is over.
    """

    def __init__(self, uow: Uow, publisher: ConfirmingPublisher, clock: Clock, polling: Polling | None = None) -> None:
        self._uow = uow
        self._publisher = publisher
        self._clock = clock
        self._polling = polling or Polling()
        self._measured_at: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until told to stop."""
        await keep_passing(self.pass_once, name="outbox", stop=stop, pace=self._polling.pace)

    async def pass_once(self) -> int:
        """Relay one batch and return how many rows it held.

        Raises Unavailable, after the confirmed rows are deleted and the others released, if the broker confirmed less
        than everything.
        """
        token = new_message_id()
        rows = await self._claim(token, self._clock())
        if not rows:
            return 0
        told = list(zip(rows, await self._publisher.publish_many([row.message for row in rows]), strict=True))
        # What the broker refuses stays claimed: it is tried again when the lease is over, and holds up nobody.
        for row, outcome in told:
            if isinstance(outcome, Reject):
                log.error("outbox_message_refused", row=row.id, key=row.message.key, reason=str(outcome))
        unconfirmed = [(row.id, outcome) for row, outcome in told if outcome and not isinstance(outcome, Reject)]
        confirmed = [row.id for row, outcome in told if outcome is None]
        await insist(lambda: self._settle(confirmed, [row for row, _ in unconfirmed], token))
        if unconfirmed:
            raise Unavailable(f"{len(unconfirmed)} of {len(rows)} messages not confirmed: {unconfirmed[0][1]}")
        return len(rows)

    async def _claim(self, token: str, now: datetime) -> Sequence[OutboxRow]:
        async with self._uow() as tx:
            rows = await tx.outbox.claim(
                limit=self._polling.batch_size, token=token, lease=self._polling.lease, now=now
            )
            if self._measured_at is None or not self._measured_at <= now < self._measured_at + MEASURED_EVERY:
                self._measured_at = now
                count, age = await tx.outbox.backlog(now)
                metrics.outbox_rows.set(count)
                metrics.outbox_lag.set(age.total_seconds())
        return rows

    async def _settle(self, confirmed: Sequence[int], unconfirmed: Sequence[int], token: str) -> None:
        async with self._uow() as tx:
            await tx.outbox.delete(confirmed, token=token)
            await tx.outbox.release(unconfirmed, token=token)
