"""What a unit of work says of a server that is away, dying, read-only or refusing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from brokers.verdict import Unavailable
from mesh.embedded.mariadb import PrivateMariaDB
from persistence import engine, session
from persistence.engine import Database, open_engine
from persistence.migrate import upgrade
from tests.build.records import new_id

#: A second or so of work inside each database.
from tests.services.databases import lent, opened
from tests.services.sql import own_server


@pytest.fixture(name="own_server")
async def _own_server(tmp_path: Path) -> AsyncIterator[PrivateMariaDB]:
    async with own_server(tmp_path / "sql") as server:
        yield server


async def _claim(database: Database) -> bool:
    async with database.uow() as tx:
        return await tx.inbox.claim(new_id())


async def test_a_server_that_is_away_is_unavailable_until_it_is_back(own_server: PrivateMariaDB) -> None:
    async with opened(own_server.url) as database:
        assert await _claim(database)
        await own_server.stop()
        for _ in range(2):
            with pytest.raises(Unavailable):
                await _claim(database)
            with pytest.raises(Unavailable):
                await database.probe()
        await own_server.start()
        await database.probe()
        assert await _claim(database)
        assert lent(database) == 0


async def test_a_server_that_dies_in_a_transaction_is_unavailable_and_nothing_is_stored(
    own_server: PrivateMariaDB,
) -> None:
    async with opened(own_server.url) as database:
        with pytest.raises(Unavailable):  # noqa: PT012  a transaction that fails is a block
            async with database.uow() as tx:
                await tx.inbox.claim("one")
                await own_server.kill()
                await tx.inbox.claim("two")
        with pytest.raises(Unavailable):
            async with database.uow() as tx:
                await tx.inbox.claim("one")
        await own_server.start()
        async with database.uow() as tx:
            assert await tx.inbox.claim("one")
        assert lent(database) == 0


async def test_a_connection_that_died_while_idle_is_replaced_unseen(
    sql: PrivateMariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "TRUSTED", timedelta())
    await upgrade(sql.url)
    async with opened(sql.url) as database:
        async with database.uow() as tx:
            mine = (await tx._session.execute(text("SELECT CONNECTION_ID()"))).scalar_one()
        await _execute(sql.url, f"KILL {mine}")
        assert await _claim(database)


async def test_a_server_that_only_reads_is_unavailable(own_server: PrivateMariaDB) -> None:
    # Whoever may do everything may also write to a server that is read only.
    await _execute(own_server.url, "CREATE USER guest@'127.0.0.1' IDENTIFIED BY 'guest'")
    await _execute(own_server.url, "GRANT SELECT, INSERT, UPDATE, DELETE ON mesh.* TO guest@'127.0.0.1'")
    await _execute(own_server.url, "SET GLOBAL read_only = 1")
    async with opened(f"mysql://guest:guest@127.0.0.1:{own_server.port}/mesh") as database:
        with pytest.raises(Unavailable):
            await _claim(database)


async def test_a_wrong_password_is_unavailable(sql: PrivateMariaDB) -> None:
    async with opened(f"mysql://mesh:wrong@127.0.0.1:{sql.port}/mesh") as database:
        with pytest.raises(Unavailable):
            await database.probe()


async def test_a_pool_that_is_all_lent_is_unavailable(sql: PrivateMariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CONNECTION_WAIT", timedelta(seconds=0.05))
    await upgrade(sql.url)
    async with opened(sql.url) as database, asyncio.TaskGroup() as group:
        for _ in range(engine.POOL_SIZE):
            group.create_task(_hold(database))
        await asyncio.sleep(0.3)
        with pytest.raises(Unavailable):
            await _claim(database)


async def _hold(database: Database) -> None:
    async with database.uow():
        await asyncio.sleep(0.6)


async def _execute(url: str, statement: str) -> None:
    anything = open_engine(url)
    async with anything.begin() as connection:
        await connection.exec_driver_sql(statement)
    await anything.dispose()


async def test_a_server_that_does_not_answer_in_time_is_unavailable_and_its_connection_is_discarded(
    sql: PrivateMariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upgrade(sql.url)
    async with opened(sql.url) as database:
        assert await _claim(database)
        monkeypatch.setattr(session, "READ_TIMEOUT", timedelta(seconds=0.2))
        with pytest.raises(Unavailable):
            async with database.uow() as tx:
                await tx._session.execute(text("SELECT SLEEP(2)"))
        monkeypatch.undo()
        assert lent(database) == 0
        assert await _claim(database)
