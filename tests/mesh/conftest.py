import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import pytest

from mesh.embedded.rabbitmq import PrivateRabbitMQ
from tests.services.rabbitmq import running_rabbitmq, version_of

Note = Callable[[str, object], None]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, record_testsuite_property: Note) -> Iterator[PrivateRabbitMQ]:
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as broker:
        record_testsuite_property("broker", asyncio.run(version_of(broker)))
        yield broker


@pytest.fixture
async def vhost(broker: PrivateRabbitMQ) -> AsyncIterator[str]:
    """The AMQP URL of an empty vhost."""
    name = f"test-{uuid4()}"
    yield await broker.add_vhost(name)
    await broker.remove_vhost(name)
