"""Brings a database's tables to the shape that this code expects."""

import asyncio
import contextlib
import fcntl
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from brokers.verdict import Unavailable
from persistence.border import border
from persistence.engine import address_of, open_engine

#: How long to wait for another process that is migrating the same database.
PATIENCE: Final = timedelta(minutes=5)
#: How often a file lock is tried again; it has no queue to wait in.
LOOK: Final = 0.05


async def upgrade(url: str) -> None:
    """Run the migrations that have not run yet; safe to call from any number of processes at once."""
    async with _file_lock(url), _connected(url) as connection, _server_lock(connection):
        await connection.run_sync(_upgrade)
        await connection.commit()


async def current(url: str) -> str | None:
    """Return the last migration that has run, or None on an empty database."""
    async with _connected(url) as connection:
        return await connection.run_sync(_current)


async def is_current(url: str) -> bool:
    """Tell whether every migration of this code has run, and none that it does not know."""
    return await current(url) == head()


def head() -> str | None:
    """Return the newest migration of this code."""
    return ScriptDirectory.from_config(config()).get_current_head()


def config(**attributes: Any) -> Config:
    """Point Alembic at the migrations in this package, wherever the program was started."""
    found = Config()
    found.set_main_option("script_location", str(files("persistence") / "migrations").replace("%", "%%"))
    found.attributes.update(attributes)
    return found


def _upgrade(connection: Connection) -> None:
    command.upgrade(config(connection=connection), "head")


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[AsyncConnection]:
    # Without a read timeout: an ALTER of a large table answers when it is done.
    engine = open_engine(url, pool_size=1)
    try:
        with border():
            connection = await engine.connect()
        try:
            yield connection
        finally:
            await connection.rollback()
            await connection.close()
    finally:
        await engine.dispose()


@contextlib.asynccontextmanager
async def _file_lock(url: str) -> AsyncIterator[None]:
    """Keep other processes out while an SQLite file is made; its own lock begins only with the first transaction."""
    address = address_of(url)
    if address.get_backend_name() != "sqlite":
        yield
        return
    database = Path(str(address.database))
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f"{database.name}.migrating").open("w") as lock:
        await _until(lambda: _try_lock(lock.fileno()))
        yield  # closing the file gives the lock up


@contextlib.asynccontextmanager
async def _server_lock(connection: AsyncConnection) -> AsyncIterator[None]:
    """Keep other processes out on MySQL, where DDL commits by itself and locks nothing beyond its table."""
    if connection.dialect.name == "sqlite":
        yield
        return
    # The name is the server's and not the database's, and at most 64 characters long.
    database = hashlib.sha256(str(connection.engine.url.database).encode()).hexdigest()
    name = f"mesh-migrate-{database[:32]}"

    async def try_lock() -> bool:
        return bool((await connection.execute(text("SELECT GET_LOCK(:name, 1)"), {"name": name})).scalar_one())

    await _until(try_lock)
    try:
        yield
    finally:
        await connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})


async def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _until(is_locked: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while not await is_locked():
        if time.monotonic() > deadline:
            raise Unavailable(f"another process has been migrating this database for {PATIENCE}")
        await asyncio.sleep(LOOK)
