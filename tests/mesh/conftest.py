from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from mesh.embedded.rabbitmq import PrivateRabbitMQ
from tests.services.rabbitmq import running_rabbitmq


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRabbitMQ]:
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as broker:
        yield broker


@pytest.fixture
async def vhost(broker: PrivateRabbitMQ) -> AsyncIterator[str]:
    """The AMQP URL of an empty vhost."""
    name = f"test-{uuid4()}"
    yield await broker.add_vhost(name)
    await broker.remove_vhost(name)
