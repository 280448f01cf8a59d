"""Compares the consumers we should have with the broker's own count, and rebuilds what has vanished."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from brokers import metrics
from brokers.consumer import Consumer
from brokers.link import BROKEN, Link, leave, told_as_broken
from brokers.verdict import Unavailable

log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=10)
LOOK_WITHIN = 10.0  # seconds; a broker that takes longer to count is as good as away
ABSENT_AT_MOST = timedelta(seconds=60)  # then liveness fails, and whoever runs this process restarts it


class Watchdog:
    """Looks at every consumer of this process from the broker's side.

    A consumer is present when its own channel is open and the broker counts at least one consumer on its queue. One
    that only waits for a dependency is not missed.
    """

    def __init__(self, consumers: Sequence[Consumer], link: Link, every: timedelta = LOOK_EVERY) -> None:
        self._consumers = consumers
        self._link = link
        self._every = every.total_seconds()
        self._absent_since: dict[str, float] = {}

    def is_healthy_at(self, now: float) -> bool:
        """Tell whether no consumer has been absent for longer than a rebuild may take; `now` is the loop's time."""
        return all(now - since < ABSENT_AT_MOST.total_seconds() for since in self._absent_since.values())

    async def run(self) -> None:
        """Look again and again until cancelled."""
        for consumer in self._consumers:
            metrics.consumers_expected.labels(consumer.physical).set(1)
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.look()
            except Exception:  # the loop of the process: nobody watches the watchdog
                log.exception("watchdog_failed")

    async def look(self) -> None:
        """Look once at every consumer."""
        try:
            channel = await self._link.channel()
        except Unavailable:
            for consumer in self._consumers:
                self._note(consumer, present=False)
            return
        try:
            with told_as_broken():
                for consumer in self._consumers:
                    answer = await channel.queue_declare(consumer.physical, passive=True, timeout=LOOK_WITHIN)
                    self._judge(consumer, int(answer.consumer_count or 0))
        except BROKEN as error:  # a queue that was deleted: its own consumer is told by the broker and declares it anew
            log.warning("watchdog_look_failed", error=repr(error))
        finally:
            await leave(channel)

    def _judge(self, consumer: Consumer, counted: int) -> None:
        present = consumer.is_consuming and counted > 0
        self._note(consumer, present=present)
        if consumer.is_consuming and counted == 0:
            consumer.rebuild("the broker counts no consumer")

    def _note(self, consumer: Consumer, *, present: bool) -> None:
        metrics.consumers_present.labels(consumer.physical).set(present)
        if present or consumer.is_waiting:
            self._absent_since.pop(consumer.physical, None)
        else:
            self._absent_since.setdefault(consumer.physical, asyncio.get_running_loop().time())
