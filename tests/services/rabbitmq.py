"""The suite's RabbitMQ: one private node a session, one fresh vhost a test."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mesh.embedded.rabbitmq import PrivateRabbitMQ


@contextmanager
def running_rabbitmq(folder: Path) -> Iterator[PrivateRabbitMQ]:
    broker = PrivateRabbitMQ(folder)
    asyncio.run(broker.start())
    try:
        yield broker
    finally:
        asyncio.run(broker.stop())
