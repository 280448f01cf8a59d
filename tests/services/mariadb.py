"""The suite's MariaDB: one private server a session, one fresh database a test."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import text

from mesh.embedded.mariadb import PrivateMariaDB
from persistence.engine import open_engine

_numbers = itertools.count(1)


@contextmanager
def running_mariadb(folder: Path) -> Iterator[PrivateMariaDB]:
    server = PrivateMariaDB(folder)
    asyncio.run(server.start())
    try:
        yield server
    finally:
        asyncio.run(server.stop())


@asynccontextmanager
async def fresh_database(server: PrivateMariaDB) -> AsyncIterator[str]:
    """Give the URL of a new empty database, and drop it afterwards."""
    name = f"test_{next(_numbers)}"
    await _execute(server, f"CREATE DATABASE {name}")
    try:
        yield server.url_of(name)
    finally:
        await _execute(server, f"DROP DATABASE {name}")


async def _execute(server: PrivateMariaDB, statement: str) -> None:
    engine = open_engine(server.url)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
