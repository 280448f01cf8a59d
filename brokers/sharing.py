"""Lets the processes that consume a partitioned queue share its partitions.

RabbitMQ gives each partition to the consumer that came first, so the process that was started first would do all of the
work, and after its death the next one in line. So who was busy with more partitions than its share gives some of them
up, in order, and is last in line for them from then on. How many share is told by the broker: each process is a
consumer of one more queue, `mesh.workers.<queue>`, which carries nothing and goes with the last of them.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import Any

import aiormq
import structlog

from brokers.consumer import Consumer
from brokers.link import BROKEN, Link, told_as_broken
from brokers.verdict import Unavailable

log = structlog.get_logger()

PREFIX = "mesh.workers."
LOOK_EVERY = timedelta(seconds=10)
LOOK_WITHIN = 10.0
#: Who took fewer messages between two looks has nothing that is worth sharing.
BUSY = 10
#: A process that could not finish what it had begun in time has too much to do to try again at once.
NOT_AGAIN_FOR = timedelta(seconds=60)


class Sharing:
    """Looks at what the consumers of this process took, and lets some of them give way."""

    def __init__(self, consumers: Sequence[Consumer], link: Link) -> None:
        self._link = link
        self._every = LOOK_EVERY.total_seconds()
        self._channel: aiormq.Channel | None = None
        self._taken: dict[str, int] = {}
        self._shared: dict[str, list[Consumer]] = {}
        for consumer in consumers:
            if consumer.queue.partitions:
                self._shared.setdefault(consumer.queue.name, []).append(consumer)

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while self._shared:
            try:
                await self.look()
            except Exception:  # the loop of the process: whoever does not share still works
                log.exception("sharing_failed")
            # Processes that were started together should not look together.
            await asyncio.sleep(self._every * random.uniform(0.8, 1.2))

    async def look(self) -> None:
        """Count the processes, and let the partitions go that are more than this one's share."""
        try:
            with told_as_broken():
                counted = {name: await self._count(name) for name in self._shared}
        except (Unavailable, *BROKEN) as error:
            log.debug("sharing_waits", error=repr(error))
            self._channel = None
            return
        for name, consumers in self._shared.items():
            busy = [each for each in consumers if each.taken - self._taken.get(each.physical, 0) >= BUSY]
            self._taken.update({each.physical: each.taken for each in consumers})
            # One at a time: each costs its partition a moment of rest.
            for each in surplus(busy, len(consumers), counted[name])[:1]:
                self._let_go(each)

    def _let_go(self, consumer: Consumer) -> None:
        now = asyncio.get_running_loop().time()
        if all(now - each.kept_at > NOT_AGAIN_FOR.total_seconds() for each in self._shared[consumer.queue.name]):
            consumer.give_way()

    async def _count(self, name: str) -> int:
        """Return how many processes consume a queue, this one among them."""
        if self._channel is None or self._channel.is_closed:
            self._channel = await self._present()
        answer = await self._channel.queue_declare(PREFIX + name, passive=True, timeout=LOOK_WITHIN)
        return int(answer.consumer_count or 0)

    async def _present(self) -> aiormq.Channel:
        channel = await self._link.channel()
        for name in self._shared:
            await channel.queue_declare(PREFIX + name, durable=True, auto_delete=True, timeout=LOOK_WITHIN)
            await channel.basic_consume(PREFIX + name, _nothing, no_ack=True, timeout=LOOK_WITHIN)
        return channel


def surplus(busy: Sequence[Consumer], partitions: int, processes: int) -> list[Consumer]:
    """Return which of the busy consumers of a process are more than its share."""
    share = ceil(partitions / max(processes, 1))
    return random.sample(list(busy), max(len(busy) - share, 0))


async def _nothing(_: Any) -> None:
    """Take what nobody sends."""
