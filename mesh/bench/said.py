"""What a queue was told: taken out and told by its ids, so that loss and repeats can be counted."""

import asyncio

import aiormq.abc

from brokers.link import Link
from brokers.queue import Queue
from mesh.bench.figures import Account, accounted
from mesh.bench.stage import Place


async def account(place: Place, queue: Queue, expected: int) -> Account:
    """Take what is in a queue, and compare it with how many messages were to be there once."""
    ids = await _ids(place, queue)
    return accounted(expected, len(ids), len(set(ids)))


async def _ids(place: Place, queue: Queue) -> list[str | None]:
    link = Link(place.broker_url, "mesh bench reads")
    taken: asyncio.Queue[str | None] = asyncio.Queue()

    async def take(message: aiormq.abc.DeliveredMessage) -> None:
        taken.put_nowait(message.header.properties.message_id)

    try:
        channel = await link.channel()
        waiting = (await channel.queue_declare(queue.name, passive=True)).message_count or 0
        await channel.basic_consume(queue.name, take, no_ack=True)
        return [await taken.get() for _ in range(waiting)]
    finally:
        await link.close()
