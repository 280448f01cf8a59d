"""The connection as repositories see it: every call shielded from cancellation, every error translated."""

import asyncio
import contextlib
from collections.abc import Awaitable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from persistence.border import border
from persistence.dialect import Bulk
from persistence.keyed import Keyed

T = TypeVar("T")

#: How long a cancelled call may still take before its connection is given up.
GRACE: Final = timedelta(seconds=5)

#: Most keys in one IN list: above 1,000 elements MariaDB turns the list into a subquery and leaves the index.
CHUNK: Final = 500


class Session:
    """One transaction's connection; it can read and write, and cannot commit."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        # SQLite has no peer that could keep a call waiting, and its thread cannot be left in the middle of one.
        self._grace = None if connection.dialect.name == "sqlite" else GRACE

    async def execute(self, statement: Executable, values: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        """Run one statement; one that is made once and given its values here costs a third of one made each time."""
        with border():
            return await self.shielded(self._connection.execute(statement, values))

    async def write(self, bulk: Bulk, records: Sequence[Any]) -> None:
        """Write many records with one statement, in the order given."""
        if not records:
            return
        with border():
            text, rows = bulk.prepare(self._connection.dialect, records)
            await self.shielded(self._connection.exec_driver_sql(text, rows))

    async def read(self, keyed: Keyed, keys: Collection[Any], **values: Any) -> list[tuple[Any, ...]]:
        """Run a query over a list of keys, some hundred at a time, and return its rows."""
        found: list[tuple[Any, ...]] = []
        for result in [await self._driven(keyed, chunk, values) for chunk in chunks(keys)]:
            found += keyed.read(self._connection.dialect, result.all())
        return found

    async def change(self, keyed: Keyed, keys: Collection[Any], **values: Any) -> int:
        """Run an update or delete over a list of keys, some hundred at a time, and return how many rows it met."""
        return sum([(await self._driven(keyed, chunk, values)).rowcount for chunk in chunks(keys)])

    async def _driven(self, keyed: Keyed, keys: Collection[Any], values: Mapping[str, Any]) -> CursorResult[Any]:
        with border():
            text, parameters = keyed.prepare(self._connection.dialect, keys, values)
            return await self.shielded(self._connection.exec_driver_sql(text, parameters))

    async def shielded(self, call: Awaitable[T]) -> T:
        """Await a database call to its end even when cancelled meanwhile, then let the cancellation go on.

        A driver that is interrupted between a question and its answer would give that answer to the next question. A
        call that has not ended within the grace is cancelled after all, which makes SQLAlchemy discard its connection.
        """
        task = asyncio.ensure_future(call)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await _settle(task, self._grace)
            raise


async def _settle(task: "asyncio.Future[Any]", grace: timedelta | None) -> None:
    """Wait for a call to end; one that does not is cancelled and waited for, so that nothing else meets it halfway.

    Further cancellations are not heeded: the one that led here goes on as soon as the call has ended.
    """
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait({task}, timeout=grace.total_seconds() if grace else None)
    if grace and not task.done():
        task.cancel()
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # looked at, or asyncio would log that nobody did


def chunks(items: Collection[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Split into lists of at most `size`."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
