"""`python -m mesh.bench.peers.faststream_consumer N`: a FastStream subscriber that counts a message.

Its log of every message is off, as ours is.
"""

import asyncio
import os
import sys

from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue

from mesh.bench.consumer import PREFETCH
from mesh.bench.tally import Tally, Tick
from mesh.lifetime import live

tally = Tally.of_process(int(sys.argv[1]))
broker = RabbitBroker(
    os.environ["MESH_BROKER_URL"], default_channel=Channel(prefetch_count=PREFETCH), graceful_timeout=10, logger=None
)


@broker.subscriber(RabbitQueue(Tick.key, queue_type=QueueType.QUORUM, declare=False))
async def count(tick: Tick) -> None:
    """Count one message."""
    tally.note(tick.number)


async def main(stop: asyncio.Event) -> None:
    """Consume until told to stop."""
    await broker.start()
    await stop.wait()
    await broker.stop()
    tally.write()


if __name__ == "__main__":
    live(main)
