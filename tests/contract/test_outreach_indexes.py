"""That what happens every second, and with every creator, reads few rows however many were written to before."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from mesh.embedded.mariadb import PrivateMariaDB
from persistence.engine import Database
from persistence.migrate import upgrade
from persistence.uow import Transaction
from schemas.outreach.records import ContactState, StopReason, TaskStatus
from tests.build.outreach import NOON, contact, stored_task
from tests.services.databases import opened
from tests.services.sql import fresh_database

CREATORS = 3000
TASKS = [f"T-{number}" for number in range(400)]
DAY = timedelta(days=1)


@pytest.fixture
async def full(sql: PrivateMariaDB) -> AsyncIterator[Database]:
    """A database of tasks that are nearly all over, and of creators whom two of them wrote to."""
    async with fresh_database(sql) as url:
        await upgrade(url)
        async with opened(url) as database:
            async with database.uow() as tx:
                for number, task_id in enumerate(TASKS):
                    await tx.outreach_tasks.add(stored_task(id=task_id, **_plan(number)))
                for task_id in TASKS[:2]:
                    await tx.contacts.add([_contact(number, task_id) for number in range(CREATORS)])
                await tx.contacts.add([contact(f"p{number}", task_id=TASKS[2]) for number in range(CREATORS)])
                await tx._session._connection.exec_driver_sql("ANALYZE TABLE outreach_tasks, outreach_contacts")
            yield database


def _plan(number: int) -> dict[str, Any]:
    if number == 2:
        return {"status": TaskStatus.PAUSED, "plan_stop_time": NOON + DAY}
    if number % 100 == 0:
        return {"status": TaskStatus.PENDING, "plan_execute_time": NOON - DAY}
    if number % 100 == 1:
        return {"status": TaskStatus.RUNNING, "plan_stop_time": NOON + DAY}
    return {"status": TaskStatus.COMPLETED, "stop_reason": StopReason.TARGET, "plan_stop_time": NOON - DAY}


def _contact(number: int, task_id: str) -> Any:
    is_waiting = number % 300 == 0
    state = ContactState.WAITING if is_waiting else ContactState.SENT
    return contact(str(number), task_id=task_id, username_key=f"user {number}", state=state, sent_at=NOON)


async def reads(database: Database, work: Callable[[Transaction], Awaitable[Any]]) -> int:
    """Return how many rows and index entries the server looked at for some work."""

    async def looked_at(tx: Transaction) -> int:
        rows = await tx._session._connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'")
        return sum(int(value) for _, value in rows)

    async with database.uow() as tx:
        before = await looked_at(tx)
        await work(tx)
        return await looked_at(tx) - before


async def test_tasks_that_are_due_are_found_however_many_are_over(full: Database) -> None:
    async def look(tx: Transaction) -> None:
        assert len(await tx.outreach_tasks.due(NOON, 50)) == 4
        assert await tx.outreach_tasks.expired(NOON, 50) == []
        assert await tx.outreach_tasks.handed_over(NOON, 50) == []

    assert await reads(full, look) < 60


@pytest.mark.parametrize("creators", [1, 100])
async def test_the_history_of_creators_is_read_by_index(full: Database, creators: int) -> None:
    ids = [str(number) for number in range(creators)]

    async def look(tx: Transaction) -> None:
        assert len(await tx.contacts.known(ids, [f"user {each}" for each in ids])) == 2 * creators

    assert await reads(full, look) <= 12 * creators


async def test_a_history_that_is_asked_for_is_read_by_index(full: Database) -> None:
    async def look(tx: Transaction) -> None:
        assert len(await tx.contacts.sent("7", ["user 7", "user 8"], 20)) == 4

    assert await reads(full, look) < 40


async def test_creators_of_a_task_are_found_by_its_key(full: Database) -> None:
    async def look(tx: Transaction) -> None:
        assert len(await tx.contacts.find("T-0", ["1", "2", "3"])) == 3

    assert await reads(full, look) < 12


async def test_creators_who_wait_are_found_however_many_were_written_to(full: Database) -> None:
    async def look(tx: Transaction) -> None:
        (task,) = await tx.outreach_tasks.unasked(NOON, 50, is_over=False)
        assert task.id == "T-1"  # which runs; those of T-2 are as many, and paused
        assert len(await tx.contacts.waiting("T-1", NOON, 20)) == 10
        await tx.outreach_tasks.asked(["T-1"], NOON + DAY)
        assert await tx.outreach_tasks.unasked(NOON, 50, is_over=False) == []

    assert await reads(full, look) < 200


async def test_creators_who_should_have_been_written_to_are_found_however_many_were(full: Database) -> None:
    async def look(tx: Transaction) -> None:
        assert await tx.contacts.overdue(NOON, NOON, 500) == []

    assert await reads(full, look) < 20
