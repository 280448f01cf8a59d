"""Connections to the database that a URL names, set up so that SQLite, MariaDB and MySQL keep the same promises."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asyncmy.converters import conversions
from sqlalchemy import event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from brokers.verdict import Conflict, Unavailable
from persistence.border import border
from persistence.tables.types import Quotable, escaped
from persistence.uow import Transaction, transaction
from schemas.clock import Clock, utc_now

DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "mysql": "mysql+asyncmy",
    "mariadb": "mariadb+asyncmy",
}

#: A worker runs four consumers of ten at most; more connections would only wait for the same locks.
POOL_SIZE: Final = 10
#: How long a transaction waits for a row that another holds before it gives way as a Conflict (MySQL's default is 50).
LOCK_WAIT: Final = timedelta(seconds=10)
#: How long a transaction waits for a connection while all are in use.
CONNECTION_WAIT: Final = timedelta(seconds=30)
#: A connection idle for this long is pinged before use; busier ones are trusted, which saves a round trip each time.
TRUSTED: Final = timedelta(seconds=30)
#: Connections are renewed before a server or firewall would drop them (MySQL's wait_timeout is 8 hours).
RECYCLE: Final = timedelta(hours=1)
#: Longest wait of a health probe.
PROBE_TIMEOUT: Final = timedelta(seconds=5)

# Truncating in silence is the server's choice elsewhere; here a value that does not fit is an error.
MYSQL_SESSION: Final = (
    "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
    "time_zone = '+00:00', "
    f"innodb_lock_wait_timeout = {LOCK_WAIT.seconds}"
)
SQLITE_PRAGMAS: Final = (
    f"PRAGMA busy_timeout = {int(LOCK_WAIT.total_seconds() * 1000)}",
    "PRAGMA journal_mode = WAL",
    # With WAL, NORMAL survives a crash of the process; a power cut may lose the last commits but corrupts nothing.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
)


class Database:
    """A pool of connections and the units of work that run on them."""

    def __init__(self, engine: AsyncEngine, clock: Clock, pool_size: int) -> None:
        self._engine = engine
        self._clock = clock
        self._is_lite = engine.dialect.name == "sqlite"
        # The pool lets whoever comes by take what somebody waits for, who may then wait for ever; this line is fair.
        # SQLite has one writer at a time, and standing in line for it beats polling for the file's lock.
        self._line = asyncio.Semaphore(1 if self._is_lite else pool_size)

    @contextlib.asynccontextmanager
    async def uow(self) -> AsyncIterator[Transaction]:
        """Open one short transaction: `async with database.uow() as tx`."""
        await self._turn()
        try:
            async with transaction(self._engine, self._clock) as tx:
                yield tx
        finally:
            self._line.release()

    async def probe(self) -> None:
        """Ask the database for a sign of life; raises Unavailable without one."""
        with border():
            async with asyncio.timeout(PROBE_TIMEOUT.total_seconds()), self._engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
                await connection.rollback()

    async def now(self) -> datetime:
        """Return the time by the server's clock, or, of a database without a server, by this machine's."""
        if self._engine.dialect.name == "sqlite":
            return self._clock()
        with border():
            async with asyncio.timeout(PROBE_TIMEOUT.total_seconds()), self._engine.connect() as connection:
                at: datetime = (await connection.execute(text("SELECT UTC_TIMESTAMP(6)"))).scalar_one()
                await connection.rollback()
        return at.replace(tzinfo=UTC)

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    async def _turn(self) -> None:
        """Wait in line; who waits for too long gives way."""
        try:
            async with asyncio.timeout(LOCK_WAIT.total_seconds() if self._is_lite else CONNECTION_WAIT.total_seconds()):
                await self._line.acquire()
        except TimeoutError as error:
            if self._is_lite:
                raise Conflict("another transaction of this process holds the database") from error
            raise Unavailable(f"no connection to the database was free within {CONNECTION_WAIT}") from error


def open_uow(url: str, *, clock: Clock = utc_now, pool_size: int = POOL_SIZE) -> Database:
    """Prepare connections to `url`; none is made before the first use."""
    return Database(open_engine(url, pool_size=pool_size), clock, pool_size)


def open_engine(url: str, *, pool_size: int = POOL_SIZE) -> AsyncEngine:
    """Build the engine of a URL; it connects on first use."""
    address = address_of(url)
    return _sqlite(address, pool_size) if address.get_backend_name() == "sqlite" else _mysql(address, pool_size)


def address_of(url: str) -> URL:
    """Read a database URL, with or without the driver's name."""
    address = make_url(url)
    backend = address.get_backend_name()
    if backend not in DRIVERS:
        raise ValueError(f"a database URL begins with sqlite, mysql or mariadb, not {backend}")
    if backend == "sqlite" and address.database in {None, "", ":memory:"}:
        raise ValueError("the database needs a file: one in memory would be another for each connection")
    return address.set(drivername=DRIVERS[backend])


def _sqlite(address: URL, pool_size: int) -> AsyncEngine:
    # Without an isolation level the driver begins nothing by itself, and BEGIN IMMEDIATE below is ours to say.
    engine = create_async_engine(address, connect_args={"isolation_level": None}, **_pool(pool_size))

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in SQLITE_PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        # A transaction that begins by reading could not become a writer once another has written meanwhile.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _mysql(address: URL, pool_size: int) -> AsyncEngine:
    # The driver logs every note of the server's; what matters of them, strict mode has made an error.
    logging.getLogger("asyncmy").setLevel(logging.ERROR)
    engine = create_async_engine(
        # utf8mb4 is all of Unicode; MySQL's "utf8" is not.
        address.update_query_dict({"charset": "utf8mb4"}),
        connect_args={
            "init_command": MYSQL_SESSION,
            "binary_prefix": True,  # message bodies are bytes, not text of the connection's character set
            "conv": {**conversions, Quotable: escaped},
        },
        # REPEATABLE READ would lock gaps between keys, and concurrent inserts would deadlock on them.
        isolation_level="READ COMMITTED",
        pool_recycle=int(RECYCLE.total_seconds()),
        **_pool(pool_size),
    )
    _ping_after_idling(engine)
    return engine


def _pool(size: int) -> dict[str, Any]:
    # A unit of work always commits, rolls back or discards: the pool's own rollback would be one more round trip.
    # What is stored names people and their orders: an error that is logged tells the statement, not its values.
    return {"pool_size": size, "max_overflow": 0, "pool_reset_on_return": None, "hide_parameters": True}


def _ping_after_idling(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "checkin")
    def note(_connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info["idle_since"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def ping(connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        if time.monotonic() - entry.info.get("idle_since", time.monotonic()) < TRUSTED.total_seconds():
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError("the connection died while idle") from error  # the pool takes another one
