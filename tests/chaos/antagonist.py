"""Somebody else on the same database, who locks what the mesh is about to lock, in the opposite order and for long."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from persistence.engine import open_engine

#: Of two transactions in a deadlock the server ends the one that has changed less: this makes it the mesh's.
WEIGHT = 500
#: Between two locks, so that others get theirs in between.
PAUSE_SECONDS = 0.004
SESSIONS = 3
AHEAD = 40  # messages, which at the usual rate are about to come within a second

Provoke = Callable[[AsyncConnection], Awaitable[None]]


class Antagonist:
    """Runs transactions that are never committed; `met` counts the errors that its own sessions ran into."""

    def __init__(self, engine: AsyncEngine, expected: Callable[[int], Sequence[str]]) -> None:
        """`expected` returns the ids of so many messages that are about to come."""
        self._engine = engine
        self._expected = expected
        self.met: Counter[int] = Counter()

    async def prepare(self) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(text("CREATE TABLE IF NOT EXISTS antagonist (id INT PRIMARY KEY AUTO_INCREMENT)"))

    async def keep(self, provoke: Provoke) -> None:
        """Provoke again and again, until cancelled."""
        while True:
            async with self._engine.connect() as connection:
                try:
                    await provoke(connection)
                except DBAPIError as error:
                    self.met[getattr(error.orig, "args", [0])[0]] += 1
                await connection.rollback()
            await asyncio.sleep(PAUSE_SECONDS)

    async def against_arrivals(self, connection: AsyncConnection) -> None:
        """Lock from last to first the marks of messages about to come, which workers lock from first to last."""
        await self._gain_weight(connection)
        await self._mark(connection, sorted(self._expected(AHEAD), reverse=True))

    async def against_schedules(self, connection: AsyncConnection) -> None:
        """Lock reminders from the last to the first."""
        await self._gain_weight(connection)
        found = await connection.execute(
            text("SELECT id FROM sample_chatbot_schedules ORDER BY created_at DESC LIMIT 40")
        )
        for each in sorted(found.scalars(), reverse=True):
            await connection.execute(
                text("SELECT 1 FROM sample_chatbot_schedules WHERE id = :id FOR UPDATE"), {"id": each}
            )
            await asyncio.sleep(PAUSE_SECONDS)

    async def hold_arrivals(self, connection: AsyncConnection, span: timedelta) -> None:
        """Lock the marks of messages about to come for longer than anybody waits for a lock."""
        await self._mark(connection, self._expected(AHEAD))
        await asyncio.sleep(span.total_seconds())

    async def _gain_weight(self, connection: AsyncConnection) -> None:
        await connection.execute(text(f"INSERT INTO antagonist (id) VALUES {', '.join(['(NULL)'] * WEIGHT)}"))

    async def _mark(self, connection: AsyncConnection, ids: Sequence[str]) -> None:
        mark = text("INSERT INTO inbox (message_id, expires_at) VALUES (:id, '2099-01-01')")
        for each in ids:
            await connection.execute(mark, {"id": each})
            await asyncio.sleep(PAUSE_SECONDS)


@asynccontextmanager
async def antagonist(url: str, expected: Callable[[int], Sequence[str]]) -> AsyncIterator[Antagonist]:
    engine = open_engine(url)
    each = Antagonist(engine, expected)
    await each.prepare()
    try:
        yield each
    finally:
        await engine.dispose()


@asynccontextmanager
async def deadlocks(each: Antagonist) -> AsyncIterator[None]:
    """Provoke deadlocks for as long as the block lasts."""
    provoking = [asyncio.create_task(each.keep(each.against_arrivals)) for _ in range(SESSIONS)]
    provoking.append(asyncio.create_task(each.keep(each.against_schedules)))
    try:
        yield
        assert not any(task.done() for task in provoking), "the antagonist gave up"
    finally:
        while left := [task for task in provoking if not task.done()]:
            for task in left:
                task.cancel()  # again, since the driver may make an error of its own of a cancellation
            await asyncio.wait(left, timeout=1)
