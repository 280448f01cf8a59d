import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from mesh.embedded.mariadb import PrivateMariaDB
from persistence.engine import Database
from persistence.migrate import upgrade
from persistence.uow import Uow
from tests.services.databases import opened
from tests.services.sql import Migrated, fresh_database, migrated_database, running_sql_server, version_of

Note = Callable[[str, object], None]


@pytest.fixture(scope="session")
def sql(tmp_path_factory: pytest.TempPathFactory, record_testsuite_property: Note) -> Iterator[PrivateMariaDB]:
    with running_sql_server(tmp_path_factory.mktemp("sql")) as server:
        record_testsuite_property("sql", asyncio.run(version_of(server)))
        yield server


@pytest.fixture(params=["sqlite", "server"])
def server(request: pytest.FixtureRequest) -> PrivateMariaDB | None:
    """The server a test's database is on; none for SQLite."""
    return request.getfixturevalue("sql") if request.param == "server" else None


@pytest.fixture
async def empty_url(server: PrivateMariaDB | None, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database without tables, once of each kind."""
    if server is None:
        yield f"sqlite:///{tmp_path / 'mesh.db'}"
        return
    async with fresh_database(server) as url:
        yield url


@pytest.fixture
async def own_url(empty_url: str) -> str:
    """The URL of a migrated database whose tables the test may change."""
    await upgrade(empty_url)
    return empty_url


@pytest.fixture(scope="session")
def migrated(sql: PrivateMariaDB) -> Migrated:
    return migrated_database(sql)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sqlite") / "mesh.db"
    asyncio.run(upgrade(f"sqlite:///{made}"))
    return made


@pytest.fixture
def as_migrated(server: PrivateMariaDB | None, request: pytest.FixtureRequest) -> Migrated | Path:
    """What the migrations made once: a database to restore, or a file to copy."""
    made: Migrated | Path = request.getfixturevalue("migrated" if server else "migrated_file")
    return made


@pytest.fixture
async def url(as_migrated: Migrated | Path, tmp_path: Path) -> str:
    """The URL of a database as the migrations leave it, whose tables stay as they are."""
    if isinstance(as_migrated, Migrated):
        await as_migrated.restore()
        return as_migrated.url
    return f"sqlite:///{shutil.copyfile(as_migrated, tmp_path / 'migrated.db')}"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with opened(url) as database:
        yield database


@pytest.fixture
def uow(database: Database) -> Uow:
    return database.uow
