"""How every queue stands, counted over AMQP alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import aiormq
from aiormq import spec

from brokers import declare
from brokers.incoming import incoming
from brokers.link import Link
from brokers.queue import Queue
from schemas.clock import Clock


@dataclass(frozen=True, slots=True)
class Standing:
    """One queue: what waits in it, who consumes it, what lies dead beside it, and since when the oldest has waited.

    `oldest_at` is None where the queue is empty and where looking would count as a failed delivery.
    """

    name: str
    ready: int
    consumers: int
    dead: int
    oldest_at: datetime | None
    oldest_dead_at: datetime | None


class Census:
    """Counts the queues of the topology page, and the strays."""

    def __init__(self, link: Link, queues: Iterable[Queue], clock: Clock) -> None:
        self._link = link
        self._queues = tuple(queues)
        self._clock = clock

    async def count(self) -> list[Standing]:
        """Return one standing a physical queue, and one for `mesh.unrouted`."""
        channel = await self._link.channel()
        try:
            standings = [
                await self._standing(channel, queue, physical)
                for queue in self._queues
                for physical in queue.physical_names
            ]
            strays, _ = await _depth(channel, declare.UNROUTED)
        finally:
            await channel.close()
        return [*standings, Standing(declare.UNROUTED, strays, 0, 0, None, None)]

    async def _standing(self, channel: aiormq.Channel, queue: Queue, physical: str) -> Standing:
        ready, consumers = await _depth(channel, physical)
        dead, _ = await _depth(channel, queue.dead)
        # Before 4.3 a look at a queue with a delivery limit counts as a failed delivery, and twenty looks would kill.
        may_look = ready > 0 and self._link.gives_back_by_nack
        return Standing(
            name=physical,
            ready=ready,
            consumers=consumers,
            dead=dead,
            oldest_at=await self._oldest(channel, queue, physical) if may_look else None,
            oldest_dead_at=await self._oldest(channel, queue, queue.dead) if dead else None,
        )

    async def _oldest(self, channel: aiormq.Channel, queue: Queue, name: str) -> datetime | None:
        message = await channel.basic_get(name)
        if not isinstance(message.delivery, spec.Basic.GetOk):
            return None
        seen = incoming(message, queue, name, self._clock())
        await channel.basic_nack(seen.tag, requeue=True)
        return seen.first_seen


async def _depth(channel: aiormq.Channel, queue: str) -> tuple[int, int]:
    answer = await channel.queue_declare(queue, passive=True)
    return int(answer.message_count or 0), int(answer.consumer_count or 0)
