"""The suite's RabbitMQ: one private node a session, one fresh vhost a test."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mesh.embedded.management import Management
from mesh.embedded.rabbitmq import PrivateRabbitMQ


@contextmanager
def running_rabbitmq(folder: Path) -> Iterator[PrivateRabbitMQ]:
    broker = PrivateRabbitMQ(folder)
    asyncio.run(broker.start())
    try:
        yield broker
    finally:
        asyncio.run(broker.stop())


async def version_of(broker: PrivateRabbitMQ) -> str:
    """Return the version that a running broker says it is."""
    overview = await Management.at(broker.management_login).call("GET", "overview")
    return f"RabbitMQ {overview['rabbitmq_version']}"
