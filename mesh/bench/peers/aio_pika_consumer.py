"""`python -m mesh.bench.peers.aio_pika_consumer N`: a bare aio-pika callback that counts a message and acks it."""

import asyncio
import os
import sys

import aio_pika

from mesh.bench.consumer import PREFETCH
from mesh.bench.tally import Tally, Tick
from mesh.lifetime import live

tally = Tally.of_process(int(sys.argv[1]))


async def main(stop: asyncio.Event) -> None:
    """Consume until told to stop; the number is read from a property, so that no body is parsed."""
    connection = await aio_pika.connect(os.environ["MESH_BROKER_URL"])
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=PREFETCH)
    queue = await channel.get_queue(Tick.key, ensure=False)

    async def count(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        tally.note(int(message.message_id or 0))
        await message.ack()

    await queue.consume(count)
    await stop.wait()
    await connection.close()
    tally.write()


if __name__ == "__main__":
    live(main)
