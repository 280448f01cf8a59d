"""The connection as repositories see it: every call shielded from cancellation, every error translated."""

import asyncio
import contextlib
from collections.abc import Awaitable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any, Final, NoReturn, TypeVar

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from persistence.border import border
from persistence.dialect import Bulk, Row
from persistence.keyed import Keyed

T = TypeVar("T")

#: How long a cancelled call may still take before its connection is given up.
GRACE: Final = timedelta(seconds=5)

#: An answer later than this is a dead link: longer than any lock wait, shorter than an operator's patience.
READ_TIMEOUT: Final = timedelta(seconds=60)

#: Most keys in one IN list: above 1,000 elements MariaDB turns the list into a subquery and leaves the index.
CHUNK: Final = 500


@dataclass(slots=True)
class Answer:
    """What a driver says to a statement: rows, how many it met, and the number that it gave to a new one."""

    rows: Sequence[Row]
    count: int
    number: int


class Session:
    """One transaction's connection; it can read and write, and cannot commit."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._is_lite = connection.dialect.name == "sqlite"
        # SQLite has no peer that could keep a call waiting, and its thread cannot be left in the middle of one.
        self._grace = None if self._is_lite else GRACE
        assert connection.sync_connection
        self._inner = connection.sync_connection
        self._driver: Any = self._inner.connection.driver_connection

    async def begin(self) -> None:
        """Begin the transaction; a server hears nothing of it before the first statement."""
        if self._is_lite:
            await self.shielded(self._connection.begin())
        else:
            self._inner.begin()

    async def end(self) -> None:
        """Give the connection back; nothing is said to a server by that."""
        if self._is_lite:
            await self.shielded(self._connection.close())
        else:
            self._inner.close()

    async def execute(self, statement: Executable, values: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        """Run one statement; what is asked for every message goes by `rows` and `run` for a fifth of the cost."""
        with border():
            return await self.shielded(self._connection.execute(statement, values))

    async def write(self, bulk: Bulk, records: Sequence[Any]) -> int:
        """Write records with one statement, in the order given; return the number that the database gave to one."""
        if not records:
            return 0
        text, rows = self._prepared(bulk, records)
        return (await self._asked(text, rows[0] if len(rows) == 1 else rows)).number

    async def rows(self, fixed: Keyed, **values: Any) -> list[Row]:
        """Run a query without a list of keys and return its rows."""
        return fixed.read(self._connection.dialect, (await self._driven(fixed, (), values)).rows)

    async def run(self, fixed: Keyed, **values: Any) -> int:
        """Run an update or delete without a list of keys and return how many rows it met."""
        return (await self._driven(fixed, (), values)).count

    async def read(self, keyed: Keyed, keys: Collection[Any], **values: Any) -> list[Row]:
        """Run a query over a list of keys, some hundred at a time, and return its rows."""
        found: list[Row] = []
        for answer in [await self._driven(keyed, chunk, values) for chunk in chunks(keys)]:
            found += keyed.read(self._connection.dialect, answer.rows)
        return found

    async def change(self, keyed: Keyed, keys: Collection[Any], **values: Any) -> int:
        """Run an update or delete over a list of keys, some hundred at a time, and return how many rows it met."""
        return sum([(await self._driven(keyed, chunk, values)).count for chunk in chunks(keys)])

    async def _driven(self, keyed: Keyed, keys: Collection[Any], values: Mapping[str, Any]) -> Answer:
        with border():
            text, parameters = keyed.prepare(self._connection.dialect, keys, values)
        return await self._asked(text, parameters)

    def _prepared(self, bulk: Bulk, records: Sequence[Any]) -> tuple[str, list[Row]]:
        with border():
            return bulk.prepare(self._connection.dialect, records)

    async def _asked(self, text: str, parameters: Row | list[Row]) -> Answer:
        """Run a statement that is text already, for one row of parameters or for a list of them."""
        with border():
            if self._is_lite:
                return _told(await self.shielded(self._connection.exec_driver_sql(text, parameters)))
            return await self.shielded(self._straight(text, parameters))

    async def _straight(self, text: str, parameters: Row | list[Row]) -> Answer:
        """Ask the driver itself: SQLAlchemy's way to it takes longer than the driver and the server together."""
        cursor = self._driver.cursor()
        try:
            if isinstance(parameters, list):
                await cursor.executemany(text, parameters)
            else:
                await cursor.execute(text, parameters)
        except BaseException as error:  # noqa: BLE001 -- it is raised again, as what it is
            await self._connection.run_sync(_failed, error, text)
        return Answer(await cursor.fetchall() if cursor.description else (), cursor.rowcount, cursor.lastrowid)

    async def shielded(self, call: Awaitable[T]) -> T:
        """Await a database call to its end even when cancelled meanwhile, then let the cancellation go on.

        A driver that is interrupted between a question and its answer would give that answer to the next question. A
        call that has not ended within the grace is cancelled after all, which makes SQLAlchemy discard its connection;
        so is one that a server has not answered in time, and that is a TimeoutError.
        """
        task = asyncio.ensure_future(call)
        # The driver's own deadline would take a second task for each answer.
        late = None if self._is_lite else task.get_loop().call_later(READ_TIMEOUT.total_seconds(), task.cancel)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled() and not _is_cancelled():
                raise TimeoutError(f"no answer within {READ_TIMEOUT.total_seconds():g} s") from error
            await _settle(task, self._grace)
            raise
        finally:
            if late is not None:
                late.cancel()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _told(result: CursorResult[Any]) -> Answer:
    rows = [tuple(row) for row in result] if result.returns_rows else []
    return Answer(rows, result.rowcount, result.lastrowid or 0)


def _failed(connection: Connection, error: BaseException, text: str) -> NoReturn:
    """Have SQLAlchemy say what a driver's error is, and discard a connection that it ends; others pass as they are."""
    is_theirs = isinstance(error, connection.dialect.loaded_dbapi.Error)
    try:
        raise error  # noqa: TRY301 -- SQLAlchemy looks at what is being handled
    except BaseException as failure:  # noqa: BLE001 -- it is what was just raised
        told = text if is_theirs else None
        connection._handle_dbapi_exception(failure, told, None, None, None)  # noqa: SLF001 -- no public way does all of it


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
