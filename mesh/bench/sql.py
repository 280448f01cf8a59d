"""The bare driver, with nothing of ours in between: what benchmarks count with, and compare with."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncmy


class Sql:
    """One connection; each statement commits by itself unless `begin` was called."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str) -> AsyncIterator["Sql"]:
        """Connect to the database that a URL names, for as long as the block lasts."""
        address = urlsplit(url)
        connection = await asyncmy.connect(
            host=address.hostname,
            port=address.port,
            user=address.username,
            password=address.password,
            db=address.path.lstrip("/"),
            charset="utf8mb4",
            autocommit=True,
        )
        try:
            yield cls(connection)
        finally:
            connection.close()

    async def execute(self, statement: str) -> None:
        """Run one statement."""
        async with self._connection.cursor() as cursor:
            await cursor.execute(statement)

    async def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for many rows, as the driver does it best."""
        async with self._connection.cursor() as cursor:
            await cursor.executemany(statement, rows)

    async def rows(self, query: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Return the names of the columns and all rows."""
        async with self._connection.cursor() as cursor:
            await cursor.execute(query)
            found = await cursor.fetchall()
            return tuple(column[0] for column in cursor.description), [tuple(row) for row in found]

    async def value(self, query: str) -> Any:
        """Return the only value of the only row."""
        _, ((value,),) = await self.rows(query)
        return value

    async def begin(self) -> None:
        """Begin a transaction."""
        await self._connection.begin()

    async def commit(self) -> None:
        """Commit it."""
        await self._connection.commit()
