import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from mesh.embedded.rabbitmq import PrivateRabbitMQ
from mesh.embedded.redis import PrivateRedis
from tests.build.telling import tell, told
from tests.fuzz.mill import Mill, Services, mill, milled
from tests.fuzz.wild import SEED
from tests.services.sql import sql_server


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("services")
    services = Services(PrivateRabbitMQ(folder / "b"), sql_server(folder / "d"), PrivateRedis(folder / "r"))
    all_of_them = (services.broker, services.database, services.redis)

    async def start() -> None:
        await asyncio.gather(*(service.start() for service in all_of_them))

    async def end() -> None:
        await asyncio.gather(*(service.kill() for service in all_of_them))

    asyncio.run(start())
    try:
        yield services
    finally:
        asyncio.run(end())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fed(services: Services, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mill]:
    """A worker on RabbitMQ and the SQL server."""
    async with milled(services, tmp_path_factory.mktemp("mill")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fed_on_sqlite(services: Services, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mill]:
    """A worker on RabbitMQ and SQLite."""
    folder = tmp_path_factory.mktemp("mill")
    async with mill(services.broker, f"sqlite:///{folder / 'mesh.db'}", services.redis.url, folder) as running:
        yield running


def pytest_runtest_setup(item: pytest.Item) -> None:
    if "fuzz" not in told(item.config):
        tell(item.config, "fuzz", [f"MESH_FUZZ_SEED={SEED} replays this run"])
