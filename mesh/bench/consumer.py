"""`python -m mesh.bench.consumer ordinary|batch N`: a worker whose handler does nothing but count N messages."""

import asyncio
import sys
from functools import partial

from brokers.delivery import Delivery
from brokers.queue import Batch, Queue
from brokers.router import Route
from mesh.bench.tally import Tally, Tick
from mesh.lifetime import begin, live
from mesh.worker import consume
from settings import Settings

#: All variants get as many messages ahead; it is what our batch queues ask for.
PREFETCH = 2000

ORDINARY = Queue(Tick.key, Tick, prefetch=PREFETCH)
BATCH = Queue(Tick.key, Tick, prefetch=PREFETCH, batch=Batch())


def route(kind: str, tally: Tally) -> Route:
    """Return the empty handler of an ordinary queue, or of a batch queue."""

    async def count(delivery: Delivery[Tick]) -> None:
        tally.note(delivery.message.number)

    async def count_all(batch: list[Delivery[Tick]]) -> None:
        for delivery in batch:
            tally.note(delivery.message.number)

    return {"ordinary": Route(ORDINARY, count), "batch": Route(BATCH, count_all)}[kind]


async def _until_told(settings: Settings, kind: str, tally: Tally, stop: asyncio.Event) -> None:
    await consume(settings, [route(kind, tally)], stop)
    tally.write()


if __name__ == "__main__":
    kind, expected = sys.argv[1:]
    started = partial(_until_told, begin("worker"), kind, Tally.of_process(int(expected)))
    live(started)
