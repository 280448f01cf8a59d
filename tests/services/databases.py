"""A database of a test: opened, closed, and asked for the connections it has lent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from persistence.engine import Database, open_uow


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = open_uow(url)
    try:
        yield database
    finally:
        await database.close()


def lent(database: Database) -> int:
    return database._engine.pool.checkedout()  # type: ignore[attr-defined]  # a queue pool has it
