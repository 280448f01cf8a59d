"""The purge: what has outlived its use leaves the tables, in bounded chunks, at most hourly."""

import asyncio
from datetime import timedelta

import structlog

from persistence.purge import Retention
from persistence.uow import Uow
from publishers.clockwork import Pace, keep_passing
from schemas.clock import Clock

log = structlog.get_logger()

HOURLY = timedelta(hours=1)


class Purge:
    """Deletes expired inbox marks, and what is older than `keep`: crawl logs and settled chat deliveries.

    Marketing events that have ended leave `keep_events` after their last change, with their deliveries and attempts;
    what customers said leaves after `keep_replies`, with the notifications that brought it.
    """

    def __init__(
        self,
        uow: Uow,
        clock: Clock,
        *,
        keep: timedelta = timedelta(days=180),
        keep_events: timedelta = timedelta(days=90),
        keep_replies: timedelta = timedelta(days=30),
        chunk: int = 1000,
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._keep = keep
        self._keep_events = keep_events
        self._keep_replies = keep_replies
        self._chunk = chunk

    async def run(self, stop: asyncio.Event) -> None:
        """Purge now and every hour until told to stop."""
        await keep_passing(self.pass_once, name="purge", stop=stop, pace=Pace(shortest=HOURLY, longest=HOURLY))

    async def pass_once(self) -> int:
        """Delete one chunk of each table, in one short transaction; return 1 while there may be more to delete."""
        now = self._clock()
        long_ago = now - self._keep
        retention = Retention(
            now=now,
            crawl_logs_before=long_ago.date(),
            deliveries_before=long_ago,
            events_before=now - self._keep_events,
            replies_before=now - self._keep_replies,
            limit=self._chunk,
        )
        async with self._uow() as tx:
            purged = await tx.purge(retention)
        if purged:
            log.info("old_rows_purged", purged=repr(purged))
        return int(bool(purged))
