"""That the queries on every message's way read an index and not a table."""

import random
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Select

from mesh.embedded.mariadb import PrivateMariaDB
from persistence.chatbot import due, of_days, of_samples
from persistence.engine import Database
from persistence.migrate import upgrade
from persistence.samples import by_key
from persistence.tables import sample_chatbot_schedules as schedules
from schemas.chatbot.records import Scenario
from schemas.samples.records import SampleKey
from tests.build.records import NOON, new_id, sample, schedule
from tests.services.databases import opened
from tests.services.sql import fresh_database

KEYS = [SampleKey("MX", f"17294{number % 40}", "", f"creator {number}") for number in range(3000)]

SAMPLE_IDS = [new_id() for _ in range(500)]
DAYS = [(f"creator {number}", NOON.date()) for number in range(5000)]


@pytest.fixture
async def full(sql: PrivateMariaDB) -> AsyncIterator[Database]:
    """A database in which the optimiser has something to choose between."""
    async with fresh_database(sql) as url:
        await upgrade(url)
        async with opened(url) as database:
            async with database.uow() as tx:
                await tx.samples.add([sample(**key._asdict()) for key in KEYS])
                await tx.schedules.save(_schedules(random.Random(1)))
                await tx.creator_days.add(dict.fromkeys(DAYS, 1))
                await tx._session._connection.exec_driver_sql(
                    "ANALYZE TABLE samples, sample_chatbot_schedules, chatbot_creator_days"
                )
            yield database


def _schedules(chance: random.Random) -> list[Any]:
    return [
        schedule(
            sample_id=SAMPLE_IDS[number] if number < len(SAMPLE_IDS) else new_id(),
            scenario=chance.choice(list(Scenario)),
            next_run_time=NOON + timedelta(minutes=chance.randint(-3000, 3000)),
            active=chance.random() > 0.5,
            parked_at=NOON if chance.random() > 0.8 else None,
        )
        for number in range(5000)
    ]


class Plan(NamedTuple):
    """How a server did what a query asked: by which index, how many rows it looked at, and whether it sorted them."""

    key: str
    rows: int
    is_sorted: bool


async def analysed(database: Database, query: Select[Any]) -> Plan:
    """Run a query on one table and return what the server says of how it did."""
    async with database.uow() as tx:
        connection = tx._session._connection
        query = query.with_for_update(skip_locked=True)
        compiled = query.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
        values = [compiled.params[name] for name in compiled.positiontup or ()]
        bound = tuple(str(value).replace("+00:00", "") if hasattr(value, "tzinfo") else value for value in values)

        async def said(how: str) -> Any:
            return (await connection.exec_driver_sql(f"{how} {compiled}", bound)).one()

        if connection.dialect.is_mariadb:
            plan = await said("ANALYZE")
            # A row that was found while planning is not looked for again.
            return Plan(plan.key, int(float(plan.r_rows or 1)), "filesort" in plan.Extra)
        plan = await said("EXPLAIN FORMAT=TRADITIONAL")
        (tree,) = await said("EXPLAIN ANALYZE FORMAT=TREE")
        return Plan(plan.key, looked_at(tree), "filesort" in (plan.Extra or ""))


def looked_at(tree: str) -> int:
    """Return how many rows the innermost step of MySQL's account really gave to the others."""
    rows, loops = re.findall(r"actual time=\S+ rows=(\S+) loops=(\d+)", tree)[-1]
    return int(float(rows) * int(loops))


@pytest.mark.parametrize("keys", [1, 10, 100, 500])
async def test_samples_are_found_by_their_unique_index_however_many(full: Database, keys: int) -> None:
    plan = await analysed(full, by_key(KEYS[:keys]))
    assert (plan.key, plan.rows) == ("uq_sample", keys)


async def test_due_schedules_are_read_in_order_from_an_index_of_their_own(full: Database) -> None:
    plan = await analysed(full, due(NOON).order_by(schedules.c.next_run_time, schedules.c.id).limit(100))
    assert (plan.key, plan.rows) == ("ix_due", 100)
    assert not plan.is_sorted


@pytest.mark.parametrize("samples", [1, 10, 500])
async def test_the_schedules_of_samples_are_read_by_their_key_however_many_are_due(
    full: Database, samples: int
) -> None:
    plan = await analysed(full, of_samples(due(NOON), SAMPLE_IDS[:samples]))
    assert (plan.key, plan.rows) == ("uq_sample_scenario", samples)


@pytest.mark.parametrize("days", [1, 10, 500])
async def test_the_days_of_creators_are_locked_by_their_key_and_not_the_whole_table(full: Database, days: int) -> None:
    plan = await analysed(full, of_days(DAYS[:days]))
    assert (plan.key, plan.rows) == ("PRIMARY", days)
