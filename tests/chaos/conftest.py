import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mesh.embedded.mariadb import PrivateMariaDB
from mesh.embedded.rabbitmq import PrivateRabbitMQ
from mesh.embedded.redis import PrivateRedis
from tests.chaos.oracle import Counters
from tests.chaos.under_fire import Begin, Outcome, Services, mesh_under_fire

OUTCOMES = pytest.StashKey[list[Outcome]]()


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("services")
    services = Services(PrivateRabbitMQ(folder / "b"), PrivateMariaDB(folder / "d"), PrivateRedis(folder / "r"))

    async def start() -> None:
        await asyncio.gather(*(service.start() for service in services.all))

    async def stop() -> None:
        await asyncio.gather(*(service.stop() for service in services.all))

    asyncio.run(start())
    try:
        yield services
    finally:
        asyncio.run(stop())


@pytest.fixture
async def begin(services: Services, tmp_path: Path) -> AsyncIterator[Begin]:
    """Start a mesh of its own for a scenario."""
    async with mesh_under_fire(services, tmp_path) as begin:
        yield begin


@pytest.fixture
def outcomes(request: pytest.FixtureRequest) -> list[Outcome]:
    """Where a scenario leaves what it came to, for the table at the end of the run."""
    return request.config.stash.setdefault(OUTCOMES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if told := config.stash.get(OUTCOMES, []):
        terminalreporter.section("what became of every message")
        terminalreporter.write_line(f"{'':12}{Counters.head()}")
        for outcome in told:
            for line in outcome.lines():
                terminalreporter.write_line(line)
