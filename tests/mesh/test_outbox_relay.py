"""From outbox rows to the broker, with several relays and a broker that comes and goes."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from brokers.link import Link
from brokers.outgoing import Outgoing
from brokers.publisher import Publisher
from brokers.queue import Queue
from mesh.embedded.rabbitmq import PrivateRabbitMQ
from persistence.engine import Database, open_uow
from persistence.migrate import upgrade
from publishers.outbox import OutboxRelay
from schemas.clock import utc_now
from tests.build.broker import eventually, small_mesh

QUEUE = Queue("samples.count", dict[str, int])


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'mesh.db'}"
    await upgrade(url)
    database = open_uow(url)
    yield database
    await database.close()


def _message(number: int) -> Outgoing:
    body = json.dumps({"number": number}).encode()
    return Outgoing(exchange=QUEUE.exchange, key=QUEUE.name, body=body, message_id=f"m{number}")


async def _write(database: Database, numbers: range) -> None:
    async with database.uow() as tx:
        await tx.send_all(map(_message, numbers))


async def _rows(database: Database) -> int:
    async with database.uow() as tx:
        return (await tx.outbox.backlog(utc_now()))[0]


async def test_one_relay_keeps_the_order_of_what_was_written(vhost: str, database: Database) -> None:
    await _write(database, range(700))
    async with small_mesh(vhost, QUEUE) as mesh:
        relay = OutboxRelay(database.uow, mesh.publisher, utc_now)
        while await relay.pass_once():
            pass
        told = [json.loads((await mesh.get(QUEUE.name)).body)["number"] for _ in range(700)]
    assert told == list(range(700))
    assert await _rows(database) == 0


async def test_three_relays_say_each_row_once(vhost: str, database: Database) -> None:
    stop = asyncio.Event()
    async with small_mesh(vhost, QUEUE) as mesh:
        relays = [OutboxRelay(database.uow, mesh.publisher, utc_now) for _ in range(3)]
        running = [asyncio.create_task(relay.run(stop)) for relay in relays]
        for start in range(0, 900, 100):
            await _write(database, range(start, start + 100))
        await eventually(lambda: _is_empty(database))
        stop.set()
        await asyncio.gather(*running)
        await eventually(lambda: _holds(mesh, 900))
        told = [(await mesh.get(QUEUE.name)).header.properties.message_id for _ in range(900)]
    assert sorted(map(str, told)) == sorted(f"m{number}" for number in range(900))


async def test_rows_wait_while_connections_are_reset_and_none_is_lost(
    broker: PrivateRabbitMQ, vhost: str, database: Database
) -> None:
    stop = asyncio.Event()
    async with small_mesh(vhost, QUEUE) as mesh:
        publisher = Publisher(Link(vhost, "test relay"))
        running = asyncio.create_task(OutboxRelay(database.uow, publisher, utc_now).run(stop))
        for start in range(0, 2000, 250):
            await _write(database, range(start, start + 250))
            if start == 1000:
                await broker.close_connections()
        await eventually(lambda: _is_empty(database))
        stop.set()
        await running
        await publisher.close()
    async with small_mesh(vhost, QUEUE) as mesh:
        told = set()
        while await mesh.depth(QUEUE.name):
            told.add((await mesh.get(QUEUE.name)).header.properties.message_id)
    assert told == {f"m{number}" for number in range(2000)}


async def _is_empty(database: Database) -> bool:
    return await _rows(database) == 0


async def _holds(mesh: object, count: int) -> bool:
    return await mesh.depth(QUEUE.name) == count  # type: ignore[attr-defined]
