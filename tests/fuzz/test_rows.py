"""Rows that somebody wrote by hand, as no code of ours would: the publishers go on, tell them and leave them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from brokers import topology
from persistence.engine import open_engine
from tests.build.broker import eventually
from tests.chaos.fleet import RoleProcess
from tests.fuzz.mill import Mill

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What is written over a due reminder, and what then becomes of it: part of the reason it is parked for, or nothing
#: where it can be sent all the same.
SCHEDULES: Mapping[str, tuple[str, str | None]] = {
    "scenario-unknown": ("scenario = 'birthday'", "birthday"),
    "scenario-empty": ("scenario = ''", "nobody knows"),
    "scenario-case": ("scenario = 'No_Content_Posted'", "nobody knows"),
    "interval-huge": ("interval_days = 2147483647", "interval_days"),
    "interval-negative": ("interval_days = -1", "interval_days"),
    "interval-zero": ("interval_days = 0", None),
    "interval-null": ("interval_days = NULL", None),
    "runs-negative": ("run_count = -5", "run_count"),
    "runs-last": ("run_count = 2147483646, max_runs = 2147483647", None),
    "time-1970": ("next_run_time = '1970-01-01 00:00:00.000000'", None),
    "time-first": ("next_run_time = '0001-01-01 00:00:00.000000'", None),
    "last-run-9999": ("last_run_time = '9999-12-31 23:59:59.999000'", None),
    "region-null": ("region = NULL", None),
    "region-nowhere": ("region = 'ÜÑÏ'", "region"),
    "sample-gone": ("sample_id = '00000000-0000-0000-0000-000000000000'", "no longer exists"),
}
OUTBOX: Mapping[str, dict[str, Any]] = {
    "body-bytes": {"body": b"\x00\xff\xfe not json"},
    "body-empty": {"body": b""},
    "headers-list": {"headers": "[]"},
    "headers-number": {"headers": "7"},
    "headers-text": {"headers": '"x"'},
    "headers-null": {"headers": "null"},
    "headers-huge": {"headers": '{"page": "' + "x" * 200_000 + '"}'},
    "headers-number-beyond": {"headers": '{"n": 123456789012345678901234567890}'},
    "headers-nested": {"headers": '{"a": {"b": [1, {"c": null}]}}'},
    "exchange-unknown": {"exchange": "nowhere.topic"},
    "exchange-default": {"exchange": "", "routing_key": "no such queue"},
    "exchange-long": {"exchange": "😀" * 255},
    "key-long": {"routing_key": "😀" * 255},
    "key-empty": {"routing_key": ""},
    "id-long": {"message_id": "😀" * 255},
    "id-empty": {"message_id": ""},
    "reply-nowhere": {"reply_to": "nobody"},
    "reply-direct": {"reply_to": "amq.rabbitmq.reply-to"},
    "time-1900": {"timestamp": "1900-01-01 00:00:00.000000"},
    "time-9999": {"timestamp": "9999-12-31 23:59:59.999000"},
}
PLAIN = {
    "exchange": "samples.topic",
    "routing_key": "samples.ingest",
    "type": None,
    "correlation_id": None,
    "reply_to": None,
    "headers": "{}",
    "timestamp": "2026-01-01 00:00:00.000000",
    "created_at": "2026-01-01 00:00:00.000000",
    "body": b'{"source":"outbox","rows":[{"platformProductId":"by-outbox","platformCreatorId":"1"}]}',
}


class Rows:
    """Reads and writes the tables of a mill by hand."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)

    async def write(self, statement: str, **values: Any) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def read(self, query: str) -> list[Any]:
        async with self._engine.begin() as connection:
            return list((await connection.execute(text(query))).all())

    async def close(self) -> None:
        await self._engine.dispose()


@asynccontextmanager
async def publishing(mill: Mill) -> AsyncIterator[RoleProcess]:
    publishers = mill.role(
        "publishers",
        "MESH_PUBLISHERS_METRICS_PORT",
        MESH_CHATBOT_POLL_SECONDS="0.2",
        MESH_PUBLISHERS_LEASE_SECONDS="3",
        MESH_CHATBOT_DAILY_CAP="0",
    )
    await publishers.start()
    try:
        yield publishers
        assert await publishers.terminate() == 0
        assert not list(publishers.events("pass_failed"))
    finally:
        await publishers.kill()


async def assert_schedules_survive(mill: Mill) -> None:
    rows = Rows(mill.database_url)
    await rows.write("DELETE FROM sample_chatbot_schedules")
    names = [*SCHEDULES, "good"]
    body = [{"platformProductId": name, "platformCreatorId": name, "status": "completed"} for name in names]
    await mill.ask(topology.SAMPLES_INGEST, {"source": "rows", "rows": body})
    ids = {
        name: schedule
        for schedule, name in await rows.read(
            "SELECT s.id, p.platform_product_id FROM sample_chatbot_schedules s JOIN samples p ON p.id = s.sample_id"
        )
    }
    for name, (change, _) in SCHEDULES.items():
        await rows.write(f"UPDATE sample_chatbot_schedules SET {change} WHERE id = :id", id=ids[name])

    async def settled() -> bool:
        ended = "SELECT id FROM sample_chatbot_schedules WHERE run_count >= 1 OR parked_at IS NOT NULL"
        return len(await rows.read(ended)) == len(names)

    async with publishing(mill):
        await eventually(settled, 30)
    reasons = dict(await rows.read("SELECT id, parked_reason FROM sample_chatbot_schedules"))
    for name, (_, expected) in [*SCHEDULES.items(), ("good", ("", None))]:
        reason = reasons[ids[name]]
        assert reason is None if expected is None else expected in (reason or ""), (name, reason)
    await rows.close()


async def assert_outbox_survives(mill: Mill) -> None:
    rows = Rows(mill.database_url)
    columns = [*PLAIN, "message_id"]
    insert = f"INSERT INTO outbox ({', '.join(columns)}) VALUES ({', '.join(':' + name for name in columns)})"
    for name, change in [*OUTBOX.items(), ("good", {})]:
        await rows.write(insert, **{**PLAIN, "message_id": name, **change})

    async def good_is_done() -> bool:
        return bool(await rows.read("SELECT 1 FROM inbox WHERE message_id = 'good'"))

    async with publishing(mill) as publishers:
        await eventually(good_is_done, 30)
        left = {message_id for (message_id,) in await rows.read("SELECT message_id FROM outbox")}
        refused = list(publishers.events("outbox_message_refused"))
        assert len(left) <= len(refused), (left, refused)
    await rows.close()


async def test_schedules_written_by_hand_are_sent_or_parked_one_by_one(fed: Mill) -> None:
    await assert_schedules_survive(fed)


@pytest.mark.long
async def test_schedules_written_by_hand_into_sqlite_are_sent_or_parked_one_by_one(fed_on_sqlite: Mill) -> None:
    await assert_schedules_survive(fed_on_sqlite)


async def test_outbox_rows_written_by_hand_hold_up_nobody(fed: Mill) -> None:
    await assert_outbox_survives(fed)


@pytest.mark.long
async def test_outbox_rows_written_by_hand_into_sqlite_hold_up_nobody(fed_on_sqlite: Mill) -> None:
    await assert_outbox_survives(fed_on_sqlite)


@pytest.mark.parametrize("zero", ["0000-00-00 00:00:00.000"])
async def test_a_time_that_is_no_time_does_not_stop_the_others(fed: Mill, zero: str) -> None:
    """Only MariaDB and MySQL take it, and only from those who ask them not to check."""
    rows = Rows(fed.database_url)
    await rows.write("DELETE FROM sample_chatbot_schedules")
    body = [{"platformProductId": name, "platformCreatorId": name, "status": "completed"} for name in ("bad", "fine")]
    await fed.ask(topology.SAMPLES_INGEST, {"source": "rows", "rows": body})
    await rows.write("SET SESSION sql_mode = ''")
    bad = "(SELECT id FROM samples WHERE platform_product_id = 'bad')"
    await rows.write(f"UPDATE sample_chatbot_schedules SET next_run_time = '{zero}' WHERE sample_id = {bad}")

    async def both_sent() -> bool:
        return len(await rows.read("SELECT 1 FROM sample_chatbot_schedules WHERE run_count = 1")) == 2

    async with publishing(fed):
        await eventually(both_sent, 30)
    await rows.close()
