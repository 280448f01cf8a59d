"""What becomes of a message that is held for longer than the broker waits for an ack."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from brokers.delivery import Delivery
from brokers.queue import Batch, Queue
from mesh.embedded.rabbitmq import PrivateRabbitMQ
from schemas.base import ForeignCommand
from tests.build.broker import eventually, small_mesh
from tests.services.erlang import evaluate

SET = """
application:set_env(rabbit, consumer_timeout, {timeout}),
application:set_env(rabbit, channel_tick_interval, {tick}).
"""

#: RabbitMQ's own, in milliseconds.
USUAL = SET.format(timeout=1_800_000, tick=60_000)


class Ponder(ForeignCommand):
    key = "samples.ponder"
    number: int


GROUPED = Queue("samples.ponder", Ponder, prefetch=500, batch=Batch(size=20))
ORDINARY = Queue("samples.ponder", Ponder, prefetch=50, concurrency=5)


class Thinker:
    """A handler that remembers what it was given, and thinks until it is let go."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.has_begun = asyncio.Event()
        self.is_free = asyncio.Event()

    async def __call__(self, given: Delivery[Ponder] | list[Delivery[Ponder]]) -> None:
        self.has_begun.set()
        await self.is_free.wait()
        self.seen |= {each.message.number for each in (given if isinstance(given, list) else [given])}


@pytest.fixture
async def impatient(broker: PrivateRabbitMQ) -> AsyncIterator[PrivateRabbitMQ]:
    """A broker that waits for an ack for a second and a half."""
    await evaluate(broker, SET.format(timeout=1500, tick=500))
    yield broker
    await evaluate(broker, USUAL)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("queue", [GROUPED, ORDINARY], ids=["batch", "ordinary"])
async def test_what_is_held_for_longer_than_the_broker_waits_is_noticed_and_all_of_it_is_done(
    vhost: str, queue: Queue
) -> None:
    thinker = Thinker()
    async with small_mesh(vhost, queue) as mesh:
        async with mesh.working(thinker) as worker:
            await asyncio.gather(*(mesh.say({"number": number}, message_id=str(number)) for number in range(40)))
            await thinker.has_begun.wait()
            await eventually(lambda: not worker.is_ready)
            thinker.is_free.set()
            await eventually(lambda: thinker.seen == set(range(40)))
            await eventually(lambda: worker.is_ready)
            await mesh.say({"number": 40}, message_id="40")
            await eventually(lambda: 40 in thinker.seen)
        assert await mesh.depth(queue.name) == 0
        assert await mesh.depth(queue.dead) == 0
