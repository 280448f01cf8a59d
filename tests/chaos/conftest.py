import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from mesh.embedded.rabbitmq import PrivateRabbitMQ
from mesh.embedded.redis import PrivateRedis
from tests.build.telling import is_worker, tell
from tests.chaos.report import Report
from tests.chaos.under_fire import Begin, Services, mesh_under_fire
from tests.services import rabbitmq, sql
from tests.services.sql import sql_server

REPORT = pytest.StashKey[Report]()
KEPT = Path(".mesh", "chaos")  # below the root of the project


@pytest.fixture(scope="session")
def services(
    tmp_path_factory: pytest.TempPathFactory, record_testsuite_property: Callable[[str, object], None]
) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("services")
    services = Services(PrivateRabbitMQ(folder / "b"), sql_server(folder / "d"), PrivateRedis(folder / "r"))

    async def start() -> None:
        await asyncio.gather(*(service.start() for service in services.all))

    async def end() -> None:
        await asyncio.gather(*(service.kill() for service in services.all))

    asyncio.run(start())
    record_testsuite_property("broker", asyncio.run(rabbitmq.version_of(services.broker)))
    record_testsuite_property("sql", asyncio.run(sql.version_of(services.database)))
    try:
        yield services
    finally:
        asyncio.run(end())


@pytest.fixture
async def begin(services: Services, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Begin]:
    """Start a mesh of its own for a scenario."""
    async with mesh_under_fire(services, tmp_path, request.config.stash[REPORT], request.node.nodeid) as begin:
        yield begin


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell each scenario as it runs where nothing else is run; among other tests only the table at the end."""
    scenarios = [item for item in session.items if item.get_closest_marker("chaos")]
    is_alone = len(scenarios) == len(session.items) and not is_worker(session.config)
    report = Report(_teller(session.config) if is_alone else lambda _: None, planned=len(scenarios))
    report.is_kept = is_alone
    session.config.stash[REPORT] = report


def _teller(config: pytest.Config) -> Callable[[str], None]:
    terminal = config.pluginmanager.getplugin("terminalreporter")
    capture = config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            terminal.ensure_newline()
            terminal.write_line(line)

    return say


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    made = yield
    result = made.get_result()
    report = item.config.stash.get(REPORT, None)
    if report is None or not item.get_closest_marker("chaos"):
        return
    report.spent(item.nodeid, result.duration, "" if result.passed else str(result.longrepr))
    if result.when == "teardown":
        report.end(item.nodeid)


def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """Leave out the dots where each scenario says more than a dot."""
    is_told = config.stash.get(REPORT, None) is not None and config.stash[REPORT].is_kept
    return ("passed", "", "") if is_told and report.when == "call" and report.passed else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    report = session.config.stash.get(REPORT, None)
    if report is None or not report.told:
        return
    tell(session.config, "what became of every message", report.table())
    if report.is_kept:
        file = report.write(session.config.rootpath / KEPT)
        tell(session.config, "kept", [str(file.relative_to(session.config.rootpath))])
