"""The suite's SQL server, MariaDB or MySQL: one private server a session, one fresh database a test."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import text

from mesh.embedded.mariadb import PrivateMariaDB
from persistence.engine import open_engine
from persistence.migrate import upgrade
from tests.services.mysql import PROGRAM, PrivateMySQL

_numbers = itertools.count(1)


def sql_server(folder: Path) -> PrivateMariaDB:
    """Return the server that the suite runs on, not yet started."""
    return PrivateMySQL(folder) if os.environ.get(PROGRAM) else PrivateMariaDB(folder)


@contextmanager
def running_sql_server(folder: Path) -> Iterator[PrivateMariaDB]:
    server = sql_server(folder)
    asyncio.run(server.start())
    try:
        yield server
    finally:
        asyncio.run(server.stop())


@asynccontextmanager
async def own_server(folder: Path) -> AsyncIterator[PrivateMariaDB]:
    """Give a server with the mesh's tables, which a test may stop and kill."""
    server = sql_server(folder)
    await server.start()
    try:
        await upgrade(server.url)
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def fresh_database(server: PrivateMariaDB) -> AsyncIterator[str]:
    """Give the URL of a new empty database, and drop it afterwards."""
    name = f"test_{next(_numbers)}"
    await _execute(server, f"CREATE DATABASE {name}")
    try:
        yield server.url_of(name)
    finally:
        await _execute(server, f"DROP DATABASE {name}")


async def version_of(server: PrivateMariaDB) -> str:
    """Return the version that a running server says it is."""
    engine = open_engine(server.url)
    async with engine.connect() as connection:
        said = (await connection.execute(text("SELECT VERSION()"))).scalar_one()
    await engine.dispose()
    return f"{'MariaDB' if 'MariaDB' in said else 'MySQL'} {said.split('-')[0]}"


async def _execute(server: PrivateMariaDB, statement: str) -> None:
    engine = open_engine(server.url)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
