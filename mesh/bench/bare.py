"""`python -m mesh.bench.bare`: publishes a load through a plain channel of the library, with confirms and no HTTP.

As many publishes are under way as a gateway would have connections: what HTTP, checks and answers cost is the rest.
"""

import asyncio
import gc
import time
from collections.abc import Iterator

import aiormq
import uvloop
from aiormq import spec

from brokers.outgoing import new_message_id
from mesh.bench.load import Load, Stopwatch, Told, body, tell


async def _send(load: Load) -> Told:
    connection = await aiormq.connect(load.address)
    channel = await connection.channel(publisher_confirms=True)
    messages = [body(load.kind, number) for number in range(load.messages)]
    gc.disable()  # as the other sender does
    timed = load.warm_up * load.items
    await _published(channel, load, iter(messages[:timed]))
    watch = Stopwatch(None)
    watch.latencies = await _published(channel, load, iter(messages[timed:]))
    told = watch.told()
    await connection.close()
    return told


async def _published(channel: aiormq.abc.AbstractChannel, load: Load, left: Iterator[bytes]) -> list[float]:
    """Publish what is left, `connections` posts' worth of it in flight, and return the seconds of each."""
    latencies: list[float] = []
    exchange, key = load.queue.exchange, load.queue.name

    async def one_after_another() -> None:
        for message in left:
            began = time.perf_counter()
            properties = spec.Basic.Properties(
                content_type="application/json", delivery_mode=2, message_id=new_message_id()
            )
            await channel.basic_publish(
                message, exchange=exchange, routing_key=key, properties=properties, mandatory=True
            )
            latencies.append(time.perf_counter() - began)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(load.connections * load.items):
            tasks.create_task(one_after_another())
    return latencies


if __name__ == "__main__":
    tell(lambda load: uvloop.run(_send(load)))
