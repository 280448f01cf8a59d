"""The connection as repositories see it: every call shielded from cancellation, every error translated."""

import asyncio
from collections.abc import Awaitable, Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from persistence.border import border
from persistence.dialect import Bulk

T = TypeVar("T")

#: How long a cancelled call may still take before its connection is given up.
GRACE_SECONDS: Final = 5.0

#: Most keys in one IN list: above 1,000 elements MariaDB turns the list into a subquery and leaves the index.
CHUNK: Final = 500


class Session:
    """One transaction's connection; it can read and write, and cannot commit."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def execute(self, statement: Executable) -> CursorResult[Any]:
        """Run one statement."""
        with border():
            return await shielded(self._connection.execute(statement))

    async def write(self, bulk: Bulk, records: Sequence[Any]) -> None:
        """Write many records with one statement, in the order given."""
        if not records:
            return
        with border():
            text, rows = bulk.prepare(self._connection.dialect, records)
            await shielded(self._connection.exec_driver_sql(text, rows))


async def shielded(call: Awaitable[T]) -> T:
    """Await a database call to its end even when cancelled meanwhile, then let the cancellation go on.

    A driver that is interrupted between a question and its answer would give that answer to the next question. A call
    that has not ended within the grace is cancelled after all, which makes SQLAlchemy discard its connection.
    """
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await _settle(task)
        raise


async def _settle(task: "asyncio.Future[Any]") -> None:
    try:
        await asyncio.wait({task}, timeout=GRACE_SECONDS)
    finally:
        if not task.done():
            task.cancel()
        else:
            task.cancelled() or task.exception()  # read, or asyncio would log it as never retrieved


def chunks(items: Collection[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Split into lists of at most `size`."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
