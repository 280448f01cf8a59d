"""What a consumer holds when the broker takes its channel, its queue or itself away, and what may have killed it."""

import asyncio
from typing import Any

import aiormq
import pytest

from brokers.delivery import Delivery
from brokers.queue import Batch, Queue
from mesh.embedded.rabbitmq import PrivateRabbitMQ
from schemas.base import ForeignCommand
from tests.build.broker import SmallMesh, eventually, small_mesh
from tests.services.erlang import break_channels, cancel_consumers


class Weigh(ForeignCommand):
    key = "samples.weigh"
    number: int


GROUPED = Queue("samples.weigh", Weigh, prefetch=500, batch=Batch(size=20))
ORDINARY = Queue("samples.weigh", Weigh, prefetch=50, concurrency=5)
BOTH = pytest.mark.parametrize("queue", [GROUPED, ORDINARY], ids=["batch", "ordinary"])


class Scales:
    """A handler that remembers its deliveries, and holds all of them until it is let go."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.sizes: list[int] = []
        self.deliveries: list[Delivery[Weigh]] = []
        self.is_free = asyncio.Event()
        self.is_busy = asyncio.Event()

    async def __call__(self, given: Delivery[Weigh] | list[Delivery[Weigh]]) -> None:
        self.is_busy.set()
        await self.is_free.wait()
        group = given if isinstance(given, list) else [given]
        self.sizes.append(len(group))
        self.deliveries += group
        self.seen += [delivery.message.number for delivery in group]


async def _say(mesh: SmallMesh, numbers: range) -> None:
    await asyncio.gather(*(mesh.say({"number": number}, message_id=str(number)) for number in numbers))


@BOTH
async def test_what_a_consumer_holds_when_its_queue_is_deleted_is_acted_on_once(vhost: str, queue: Queue) -> None:
    scales = Scales()
    async with small_mesh(vhost, queue) as mesh, mesh.working(scales) as worker:
        await _say(mesh, range(40))
        await eventually(lambda: _depth_is(mesh, queue, 0))
        await scales.is_busy.wait()
        await mesh.plain.queue_delete(queue.name)
        await eventually(lambda: not worker.is_ready)
        await eventually(lambda: worker.is_ready)
        await _say(mesh, range(40, 60))
        scales.is_free.set()
        await eventually(lambda: len(scales.seen) == 60)
        assert sorted(scales.seen) == list(range(60))
    async with small_mesh(vhost, queue) as mesh:
        assert await mesh.depth(queue.name) == 0


@BOTH
async def test_a_worker_that_ends_while_its_queue_is_deleted_finishes_what_it_holds(vhost: str, queue: Queue) -> None:
    scales = Scales()
    async with small_mesh(vhost, queue) as mesh:
        async with mesh.working(scales) as worker:
            await _say(mesh, range(40))
            await eventually(lambda: _depth_is(mesh, queue, 0))
            await scales.is_busy.wait()
            await mesh.plain.queue_delete(queue.name)
            await eventually(lambda: not worker.is_ready)
            scales.is_free.set()
        again = Scales()
        again.is_free.set()
        async with mesh.working(again):
            await eventually(lambda: len(scales.seen) + len(again.seen) >= 40)
        assert sorted(scales.seen + again.seen) == list(range(40))


@BOTH
async def test_a_consumer_whose_channel_the_broker_closes_comes_back_to_what_it_held(
    broker: PrivateRabbitMQ, vhost: str, queue: Queue
) -> None:
    scales = Scales()
    async with small_mesh(vhost, queue) as mesh, mesh.working(scales) as worker:
        await _say(mesh, range(40))
        await scales.is_busy.wait()
        assert await break_channels(broker, vhost) == 1
        await eventually(lambda: not worker.is_ready)
        scales.is_free.set()
        await eventually(lambda: set(scales.seen) == set(range(40)))
        await eventually(lambda: _depth_is(mesh, queue, 0))
        assert worker.is_ready


@BOTH
async def test_a_consumer_that_the_broker_cancels_finishes_what_it_holds_and_consumes_again(
    broker: PrivateRabbitMQ, vhost: str, queue: Queue
) -> None:
    scales = Scales()
    async with small_mesh(vhost, queue) as mesh, mesh.working(scales) as worker:
        await _say(mesh, range(40))
        await eventually(lambda: _depth_is(mesh, queue, 0))
        await scales.is_busy.wait()
        assert await cancel_consumers(broker, vhost) == 1
        await eventually(lambda: not worker.is_ready)
        await eventually(lambda: worker.is_ready)
        await _say(mesh, range(40, 60))
        scales.is_free.set()
        await eventually(lambda: set(scales.seen) == set(range(60)))
        await eventually(lambda: _depth_is(mesh, queue, 0))


@BOTH
async def test_what_was_in_hand_at_three_deaths_is_gone_through_one_by_one(vhost: str, queue: Queue) -> None:
    scales = Scales()
    scales.is_free.set()
    async with small_mesh(vhost, queue) as mesh:
        await _say(mesh, range(30))
        for _ in range(3):
            await _die_with(vhost, queue, 30)
        await _say(mesh, range(30, 60))
        async with mesh.working(scales):
            await eventually(lambda: len(scales.seen) == 60)
        assert scales.seen[:30] == list(range(30))
        assert sorted(scales.seen) == list(range(60))
        counts = [int(delivery.headers.get("x-delivery-count", 0)) for delivery in scales.deliveries]
        assert counts == [3] * 30 + [0] * 30
        if queue.batch:
            assert scales.sizes[:30] == [1] * 30


@BOTH
async def test_a_suspect_that_comes_to_a_working_consumer_waits_until_nothing_else_is_in_hand(
    vhost: str, queue: Queue
) -> None:
    scales = Scales()
    async with small_mesh(vhost, queue) as mesh:
        await _say(mesh, range(1))
        for _ in range(2):
            await _die_with(vhost, queue, 1)
        dying = await _holding(vhost, queue, 1)
        async with mesh.working(scales):
            await _say(mesh, range(1, 30))
            await eventually(lambda: _depth_is(mesh, queue, 0))
            await scales.is_busy.wait()
            await dying.close()
            await eventually(lambda: _depth_is(mesh, queue, 0))  # the worker has it
            scales.is_free.set()
            await eventually(lambda: len(scales.seen) == 30)
        assert sorted(scales.seen[:-1]) == list(range(1, 30))
        assert scales.seen[-1] == 0
        assert scales.deliveries[-1].headers["x-delivery-count"] == 3


@BOTH
async def test_suspects_that_come_to_several_consumers_are_not_sent_from_one_to_the_other(
    vhost: str, queue: Queue
) -> None:
    scales = Scales()
    async with small_mesh(vhost, queue) as mesh:
        await _say(mesh, range(20))
        for _ in range(2):
            await _die_with(vhost, queue, 20)
        dying = await _holding(vhost, queue, 20)
        async with mesh.working(scales), mesh.working(scales):
            await _say(mesh, range(20, 40))
            await scales.is_busy.wait()
            await dying.close()
            await eventually(lambda: _depth_is(mesh, queue, 0))
            scales.is_free.set()
            await eventually(lambda: len(scales.seen) == 40)
        assert sorted(scales.seen) == list(range(40))
        counts = {
            delivery.message.number: delivery.headers.get("x-delivery-count", 0) for delivery in scales.deliveries
        }
        assert counts == dict.fromkeys(range(20), 3) | dict.fromkeys(range(20, 40), 0)


async def _die_with(vhost: str, queue: Queue, count: int) -> None:
    """Take so many messages and go without a word."""
    connection = await _holding(vhost, queue, count)
    await connection.close()
    async with small_mesh(vhost, queue) as mesh:
        await eventually(lambda: _depth_is(mesh, queue, count))


async def _holding(vhost: str, queue: Queue, count: int) -> Any:
    connection = await aiormq.connect(vhost)
    channel = await connection.channel()
    held = 0

    async def hold(_: Any) -> None:
        nonlocal held
        held += 1

    await channel.basic_qos(prefetch_count=count)
    await channel.basic_consume(queue.name, hold)
    await eventually(lambda: held == count)
    return connection


async def _depth_is(mesh: SmallMesh, queue: Queue, count: int) -> bool:
    return await mesh.depth(queue.name) == count
