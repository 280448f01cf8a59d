"""The suite's RabbitMQ: one private node a session, one fresh vhost a test."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiormq

from mesh.embedded.rabbitmq import PrivateRabbitMQ


@contextmanager
def running_rabbitmq(folder: Path) -> Iterator[PrivateRabbitMQ]:
    broker = PrivateRabbitMQ(folder)
    asyncio.run(broker.start())
    try:
        yield broker
    finally:
        asyncio.run(broker.kill())  # nobody needs its data any more


async def version_of(broker: PrivateRabbitMQ) -> str:
    """Return the version that a running broker greets its clients with."""
    connection = await aiormq.connect(broker.url)
    stated = connection.server_properties["version"]
    await connection.close()
    return f"RabbitMQ {stated}"
