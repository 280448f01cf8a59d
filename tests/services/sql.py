"""The suite's SQL server, MariaDB or MySQL: one private server a session, and a database as if new for each test."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mesh.embedded.mariadb import PrivateMariaDB
from persistence.engine import open_engine
from persistence.migrate import upgrade
from persistence.tables import metadata
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
        asyncio.run(server.kill())  # nobody needs its data any more


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


@dataclass(frozen=True)
class Migrated:
    """A database with the mesh's tables that one test after another finds as the migrations left them.

    Making the tables takes a second, and there are hundreds of tests; emptying the few that a test wrote to does not.
    """

    url: str
    name: str
    untouched: str
    checksums: Mapping[str, int]

    async def restore(self) -> None:
        """Undo whatever was written since, counters of rows included."""
        async with _connected(self.url) as connection:
            await connection.execute(text("SET SESSION foreign_key_checks = 0"))
            found = await _checksums(connection, self.name)
            for table in [table for table, checksum in found.items() if checksum != self.checksums[table]]:
                await connection.execute(text(f"TRUNCATE TABLE {self.name}.{table}"))
                await connection.execute(
                    text(f"INSERT INTO {self.name}.{table} SELECT * FROM {self.untouched}.{table}")
                )


def migrated_database(server: PrivateMariaDB) -> Migrated:
    """Make a database that can be restored; it goes with its server."""
    number = next(_numbers)
    name, untouched = f"restored_{number}", f"untouched_{number}"
    asyncio.run(_migrate(server, name, untouched))
    return asyncio.run(_migrated(server, name, untouched))


async def version_of(server: PrivateMariaDB) -> str:
    """Return the version that a running server says it is."""
    async with _connected(server.url) as connection:
        said = (await connection.execute(text("SELECT VERSION()"))).scalar_one()
    return f"{'MariaDB' if 'MariaDB' in said else 'MySQL'} {said.split('-')[0]}"


async def _migrate(server: PrivateMariaDB, *names: str) -> None:
    for name in names:
        await _execute(server, f"CREATE DATABASE {name}")
        await upgrade(server.url_of(name))


async def _migrated(server: PrivateMariaDB, name: str, untouched: str) -> Migrated:
    async with _connected(server.url) as connection:
        return Migrated(server.url_of(name), name, untouched, await _checksums(connection, untouched))


async def _checksums(connection: AsyncConnection, database: str) -> dict[str, int]:
    """Return what each table's rows come to."""
    names = ", ".join(f"{database}.{table}" for table in [*metadata.tables, "alembic_version"])
    found = await connection.execute(text(f"CHECKSUM TABLE {names}"))
    return {table.rpartition(".")[2]: checksum for table, checksum in found}


async def _execute(server: PrivateMariaDB, *statements: str) -> None:
    async with _connected(server.url) as connection:
        for statement in statements:
            await connection.execute(text(statement))


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[AsyncConnection]:
    engine = open_engine(url)
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()
