"""An open loop: messages leave at moments that were fixed before, whatever became of the earlier ones."""

import asyncio
import gc
import random
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from brokers.link import Link
from brokers.outgoing import Outgoing
from brokers.publisher import Publisher

#: How often the queue is looked at to see whether the worker keeps up; a passive declare costs next to nothing.
LOOK_SECONDS = 0.25

#: A queue in which this much work waits, besides what the worker already holds, belongs to a worker that falls behind.
BEHIND_SECONDS = 0.5

#: What has become due meanwhile leaves together, so that the sender takes little of the machine that it measures.
TICK_SECONDS = 0.002

#: The first message is due this long after the loop is ready, so that it does not begin late.
LEAD_SECONDS = 0.1


@dataclass(slots=True)
class Played:
    """When each message was meant to leave, by its id, when it did, and whether the worker fell behind meanwhile."""

    intended: dict[str, float] = field(default_factory=dict)
    late: list[float] = field(default_factory=list)
    ended_at: float = 0.0
    was_cut: bool = False


def arrivals(per_second: float, seed: int) -> Iterator[float]:
    """Yield moments of a Poisson process without end, in seconds: crawlers do not wait for one another.

    The same seed gives the same moments. Evenly spaced ones would never queue up, and flatter every tail.
    """
    chance = random.Random(seed)
    moment = 0.0
    while True:
        moment += chance.expovariate(per_second)
        yield moment


class OpenLoop:
    """Publishes messages at given moments, and stops early where the queue shows that the worker falls behind."""

    def __init__(self, broker_url: str, queue: str) -> None:
        self._publisher = Publisher(Link(broker_url, "mesh bench publish"))
        self._eye = Link(broker_url, "mesh bench look")
        self._queue = queue
        self._behind = asyncio.Event()

    async def play(
        self,
        moments: Sequence[float],
        messages: Iterator[Outgoing],
        tell: Callable[[float], None],
        most_waiting: int = sys.maxsize,
    ) -> Played:
        """Publish a message at each moment; returns once all that were published are confirmed."""
        due = list(zip(moments, messages, strict=False))
        await self._publisher.probe()
        watching = asyncio.create_task(self._watch(most_waiting))
        played = Played()
        # A search for garbage here would hold up messages that nobody else held up.
        gc.collect()
        gc.freeze()
        try:
            await self._send(due, played, tell)
        finally:
            gc.unfreeze()
            watching.cancel()
            await self._publisher.close()
            await self._eye.close()
        return played

    async def _send(self, due: Sequence[tuple[float, Outgoing]], played: Played, tell: Callable[[float], None]) -> None:
        began, sent = time.monotonic() + LEAD_SECONDS, 0
        async with asyncio.TaskGroup() as publishing:
            while sent < len(due) and not self._behind.is_set():
                now = time.monotonic()
                ready = bisect_right(due, now - began, lo=sent, key=itemgetter(0))
                for moment, message in due[sent:ready]:
                    played.intended[message.message_id] = began + moment
                    played.late.append(now - began - moment)
                if ready > sent:
                    publishing.create_task(self._publish([message for _, message in due[sent:ready]]))
                    tell(ready / len(due))
                sent = ready
                await asyncio.sleep(TICK_SECONDS)
            played.was_cut = sent < len(due)
            played.ended_at = time.monotonic()

    async def _publish(self, messages: Sequence[Outgoing]) -> None:
        failures = [outcome for outcome in await self._publisher.publish_many(messages) if outcome is not None]
        if failures:
            raise failures[0]

    async def _watch(self, most_waiting: int) -> None:
        channel = await self._eye.channel()
        while not self._behind.is_set():
            answer = await channel.queue_declare(self._queue, passive=True)
            if (answer.message_count or 0) > most_waiting:
                self._behind.set()
            await asyncio.sleep(LOOK_SECONDS)
