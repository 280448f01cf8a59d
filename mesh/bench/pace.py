"""An open loop: messages leave at moments that were fixed before, whatever became of the earlier ones."""

import asyncio
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from brokers.link import Link
from brokers.outgoing import Outgoing
from brokers.publisher import Publisher

#: How often the queue is looked at to see whether the worker keeps up; a passive declare costs next to nothing.
LOOK_SECONDS = 0.25

#: A queue in which this much work waits, besides what the worker already holds, belongs to a worker that falls behind.
BEHIND_SECONDS = 0.5

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
        await self._publisher.probe()
        watching = asyncio.create_task(self._watch(most_waiting))
        played = Played()
        try:
            await self._send(moments, messages, played, tell)
        finally:
            watching.cancel()
            await self._publisher.close()
            await self._eye.close()
        return played

    async def _send(
        self, moments: Sequence[float], messages: Iterator[Outgoing], played: Played, tell: Callable[[float], None]
    ) -> None:
        began = time.monotonic() + LEAD_SECONDS
        async with asyncio.TaskGroup() as publishing:
            for number, (moment, message) in enumerate(zip(moments, messages, strict=False)):
                await asyncio.sleep(max(began + moment - time.monotonic(), 0))
                if self._behind.is_set():
                    played.was_cut = True
                    break
                played.intended[message.message_id] = began + moment
                played.late.append(time.monotonic() - began - moment)
                publishing.create_task(self._publisher.publish(message))
                tell(number / len(moments))
            played.ended_at = time.monotonic()

    async def _watch(self, most_waiting: int) -> None:
        channel = await self._eye.channel()
        while not self._behind.is_set():
            answer = await channel.queue_declare(self._queue, passive=True)
            if (answer.message_count or 0) > most_waiting:
                self._behind.set()
            await asyncio.sleep(LOOK_SECONDS)
