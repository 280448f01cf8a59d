"""What a unit of work promises when things go wrong, on every database."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from brokers.verdict import Conflict
from mesh.embedded.mariadb import PrivateMariaDB
from persistence import engine, session
from persistence.engine import Database, open_uow
from persistence.migrate import upgrade
from persistence.uow import Transaction, Uow
from schemas.clock import utc_now
from tests.build.records import sample
from tests.fakes.clock import FakeClock
from tests.services.databases import lent, opened

#: A second or so of work inside each database.
SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000000) SELECT max(i) FROM n",
    "mysql": "SELECT SLEEP(1)",
}


def slow(database: Database) -> str:
    return SLOW[database._engine.dialect.name]


async def test_a_block_that_ends_well_commits(uow: Uow) -> None:
    async with uow() as tx:
        await tx.inbox.claim("one")
    async with uow() as tx:
        assert not await tx.inbox.claim("one")


async def test_a_server_tells_its_own_time_whatever_the_clock_of_its_client_says(url: str) -> None:
    wrong = FakeClock()
    database = open_uow(url, clock=wrong)
    told = await database.now()
    await database.close()
    is_server = not url.startswith("sqlite")
    assert abs(told - (utc_now() if is_server else wrong())) < timedelta(seconds=5)


async def test_a_block_that_raises_leaves_nothing_and_no_connection(database: Database) -> None:
    for _ in range(30):
        with pytest.raises(ZeroDivisionError):  # noqa: PT012  a transaction that fails is a block
            async with database.uow() as tx:
                await tx.inbox.claim("one")
                raise ZeroDivisionError
    assert lent(database) == 0
    async with database.uow() as tx:
        assert await tx.inbox.claim("one")


async def test_a_failed_statement_leaves_nothing_even_if_its_error_is_swallowed(uow: Uow) -> None:
    stored = sample()
    async with uow() as tx:
        await tx.samples.add([stored])
    with pytest.raises(Conflict):  # noqa: PT012  a transaction that fails is a block
        async with uow() as tx:
            await tx.inbox.claim("one")
            await tx.samples.add([replace(sample(), creator_key=stored.creator_key)])
    async with uow() as tx:
        assert await tx.inbox.claim("one")


async def test_a_cancelled_statement_ends_before_the_cancellation_goes_on(database: Database) -> None:
    async with database.uow() as tx:
        await tx._session.execute(text("SELECT 1"))
    task = asyncio.create_task(_work(database))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert lent(database) == 0
    await _is_sound(database)


async def test_the_connection_of_a_cancelled_statement_that_does_not_end_is_discarded(
    sql: PrivateMariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "GRACE", timedelta(seconds=0.05))
    await upgrade(sql.url)
    fresh: list[object] = []
    async with opened(sql.url) as database:
        task = asyncio.create_task(_work(database))
        await asyncio.sleep(0.2)
        event.listen(database._engine.sync_engine, "connect", lambda connection, _: fresh.append(connection))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert lent(database) == 0
        await _is_sound(database)
    assert len(fresh) == 1


async def _work(database: Database) -> None:
    async with database.uow() as tx:
        await tx.inbox.claim("cancelled")
        await tx._session.execute(text(slow(database)))


async def _is_sound(database: Database) -> None:
    """No lock is left, nothing was stored, and answers belong to their questions."""
    for number in range(20):
        async with database.uow() as tx:
            assert (await tx._session.execute(text(f"SELECT {number}"))).scalar_one() == number
    async with database.uow() as tx:
        assert await tx.inbox.claim("cancelled")


async def test_a_commit_is_not_torn_by_a_cancellation(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    committing = asyncio.Event()
    commit = AsyncConnection.commit

    async def slow_commit(connection: AsyncConnection) -> None:
        committing.set()
        await asyncio.sleep(0.1)
        await commit(connection)

    monkeypatch.setattr(AsyncConnection, "commit", slow_commit)

    async def work() -> None:
        async with database.uow() as tx:
            await tx.inbox.claim("one")

    task = asyncio.create_task(work())
    await committing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.uow() as tx:
        assert not await tx.inbox.claim("one")
    assert lent(database) == 0


async def test_random_cancellations_leak_no_connection_and_no_lock(database: Database) -> None:
    async def work(number: int) -> None:
        async with database.uow() as tx:
            await tx.inbox.claim(str(number % 7))
            await tx.samples.add([sample()])

    for number in range(60):
        task = asyncio.create_task(work(number))
        for _ in range(number):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
    assert lent(database) == 0
    await _is_sound(database)


async def test_two_processes_share_an_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mesh.db'}"
    await upgrade(url)

    async def claim_many(database: Database, name: str) -> None:
        for number in range(50):
            async with database.uow() as tx:
                await tx.inbox.claim(f"{name}{number}")

    async with opened(url) as one, opened(url) as other:
        await asyncio.gather(claim_many(one, "a"), claim_many(other, "b"))
        async with one.uow() as tx:
            assert not await tx.inbox.claim("b49")


async def test_a_locked_sqlite_file_is_a_conflict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'mesh.db'}"
    await upgrade(url)
    monkeypatch.setattr(engine, "SQLITE_PRAGMAS", ("PRAGMA busy_timeout = 50", *engine.SQLITE_PRAGMAS[1:]))
    async with opened(url) as one, opened(url) as other, one.uow():
        with pytest.raises(Conflict):
            async with other.uow():
                pass


async def test_a_unit_of_work_inside_another_gives_way_instead_of_waiting_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'mesh.db'}"
    await upgrade(url)
    monkeypatch.setattr(engine, "LOCK_WAIT", timedelta(seconds=0.05))
    async with opened(url) as database:
        async with database.uow():
            with pytest.raises(Conflict):
                async with database.uow():
                    pass
        async with database.uow() as tx:
            assert await tx.inbox.claim("one")


async def test_transactions_that_wait_for_each_other_end_in_a_conflict(
    sql: PrivateMariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MYSQL_SESSION", engine.MYSQL_SESSION.replace("timeout = 10", "timeout = 1"))
    await upgrade(sql.url)
    first, second = sample(), sample()
    async with opened(sql.url) as database:
        async with database.uow() as tx:
            await tx.samples.add([first, second])
        holding = asyncio.Barrier(2)

        async def lock(*samples: object) -> str:
            try:
                async with database.uow() as tx:
                    for each in samples:
                        await tx.samples.find([each.key])  # type: ignore[attr-defined]  # samples
                        if each is samples[0]:
                            await holding.wait()
            except Conflict:
                return "conflict"
            return "done"

        assert sorted(await asyncio.gather(lock(first, second), lock(second, first))) == ["conflict", "done"]

        async with database.uow() as tx:
            await tx.samples.find([first.key])
            with pytest.raises(Conflict):
                async with database.uow() as impatient:
                    await impatient.samples.find([first.key])


async def test_a_transaction_costs_no_round_trip_but_its_statements_and_its_commit(sql: PrivateMariaDB) -> None:
    async def questions(tx: Transaction) -> int:
        row = (await tx._session.execute(text("SHOW SESSION STATUS LIKE 'Questions'"))).one()
        return int(row[1])

    async with opened(sql.url) as database:
        async with database.uow() as tx:
            before = await questions(tx)
        async with database.uow() as tx:
            # One commit, and this question itself.
            assert await questions(tx) - before == 2


async def test_whoever_waits_for_a_connection_has_the_next_one(url: str) -> None:
    """And is not passed by those who come back for another transaction as soon as they have ended one."""
    database, turns = open_uow(url, pool_size=2), 0

    async def greedy() -> None:
        nonlocal turns
        while True:
            async with database.uow() as tx:
                await tx.inbox.claim(f"greedy-{turns}")
                turns += 1

    busy = [asyncio.create_task(greedy()) for _ in range(4)]
    while turns < 10:
        await asyncio.sleep(0)
    for _ in range(5):
        before = turns
        async with database.uow():
            assert turns - before <= len(busy) + 1
    for task in busy:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)
    await database.close()
