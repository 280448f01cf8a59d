"""Consumers lose their channel, their subscription or their queue, while they hold messages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiormq.exceptions import ChannelNotFoundEntity
from sqlalchemy import text

from brokers import topology
from brokers.link import Link
from persistence.engine import open_engine
from tests.chaos.under_fire import Begin, MeshUnderFire
from tests.services.erlang import break_channels, cancel_consumers

pytestmark = pytest.mark.chaos

INGEST = topology.SAMPLES_INGEST.name


async def test_channels_that_the_broker_closes_and_consumers_that_it_cancels_lose_nothing(begin: Begin) -> None:
    mesh = await begin(reminded=0.6)
    hits = 0
    async with mesh.driver.load():
        for act in (break_channels, cancel_consumers):
            mesh.driver.burst(150)
            await mesh.in_work()
            await mesh.driver.some_time(0, 0.2)
            hits += await act(mesh.services.broker, mesh.url)
            mesh.returned()
            await mesh.acknowledged(20)
    outcome = await mesh.verdict("channels closed")
    assert hits > 0, f"nothing was in work (seed {mesh.seed})"
    outcome.facts |= {"hits": hits, "redelivered": len(mesh.redelivered())}


async def test_a_queue_deleted_while_its_messages_are_in_hand_costs_none_of_them(begin: Begin) -> None:
    mesh = await begin()
    mesh.driver.burst(300)  # the workers now know the size of the messages, and take many at once
    await mesh.driver.settled()
    await mesh.recovered()
    async with _writing_held_up(mesh):
        mesh.driver.burst(150)
        await mesh.until(lambda: _is_all_in_hand(mesh))
        await mesh.driver.some_time(0, 0.5)
        assert await _delete(mesh, INGEST) == 0
        await mesh.until(lambda: _exists(mesh, INGEST))  # its consumers declare it again
    mesh.returned()
    await mesh.recovered()
    async with mesh.driver.load():
        await mesh.acknowledged(40)
    await mesh.verdict("queue deleted")
    assert mesh.told_events("consumer_cancelled_by_broker") == len(mesh.fleet.workers)


@pytest.mark.long
async def test_what_is_destroyed_with_a_queue_is_what_was_not_in_hand_and_may_be_said_again(begin: Begin) -> None:
    mesh = await begin(reminded=0.1)
    mesh.driver._repeated_share = 0  # so that each message is in the queue once
    async with _writing_held_up(mesh):
        mesh.driver.burst(600)  # more than the workers take at first
        await mesh.driver.settled()
        await mesh.until(lambda: _is_standing(mesh))
        destroyed = await _delete(mesh, INGEST)
    mesh.returned()
    await mesh.until(lambda: _exists(mesh, INGEST))
    await mesh.until(lambda: _are_lost(mesh, destroyed))
    assert 0 < destroyed < 600
    assert all(each.is_acknowledged for each in mesh.driver.operations)
    await mesh.driver.say_again()
    mesh.returned()
    outcome = await mesh.verdict("queue destroyed")
    assert outcome.samples.ok == outcome.samples.attempted
    outcome.facts["destroyed"] = destroyed


@asynccontextmanager
async def _writing_held_up(mesh: MeshUnderFire) -> AsyncIterator[None]:
    """Let every transaction wait, so that messages stay in the workers' hands."""
    engine = open_engine(mesh.services.database.url, pool_size=1)
    async with engine.connect() as connection:
        await connection.execute(text("FLUSH TABLES WITH READ LOCK"))
        try:
            yield
        finally:
            await connection.execute(text("UNLOCK TABLES"))
    await engine.dispose()


async def _is_all_in_hand(mesh: MeshUnderFire) -> bool:
    """Tell whether the queue gave out all it got, and nothing has its effect."""
    return mesh.driver.acknowledged == len(mesh.driver.operations) and (await mesh.depths())[INGEST] == 0


async def _is_standing(mesh: MeshUnderFire) -> bool:
    """Tell whether what waits in the queue has stopped to become less."""
    before = (await mesh.depths())[INGEST]
    await mesh.driver.some_time(0.5, 1)
    return 0 < before == (await mesh.depths())[INGEST]


async def _are_lost(mesh: MeshUnderFire, count: int) -> bool:
    """Tell whether so many messages are without effect, and no more of them are on their way to one."""
    for _ in range(3):
        samples, _ = await mesh._counters()
        if samples.lost != count:
            return False
        await mesh.driver.some_time(0.2, 0.3)
    return True


async def _delete(mesh: MeshUnderFire, queue: str) -> int:
    """Delete a queue as an operator might; return how many waiting messages went with it."""
    ready = (await mesh.depths())[queue]
    link = Link(mesh.url, "chaos operator")
    await (await link.channel()).queue_delete(queue)
    await link.close()
    return ready


async def _exists(mesh: MeshUnderFire, queue: str) -> bool:
    link = Link(mesh.url, "chaos operator")
    try:
        await (await link.channel()).queue_declare(queue, passive=True)
    except ChannelNotFoundEntity:
        return False
    finally:
        await link.close()
    return True
