"""What a task of a peer does with one message of samples: our own parsing and rules, one transaction, no asyncio.

Written as one writes tasks with SQLAlchemy: a statement a step, the engine shared by the process. It reads, locks,
merges and remembers what `handlers.samples` does, so that the difference measured is the machinery around it.
"""

import os
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, insert, make_url, select, update
from sqlalchemy.dialects.mysql import insert as upsert

from brokers.delivery import Delivery
from handlers.samples.contents import content_logs, contents_of, newest
from handlers.samples.history import crawl_logs
from handlers.samples.merging import Change, fold
from handlers.samples.observations import Observation, read
from handlers.samples.reminders import granted, wishes_of
from persistence import tables
from persistence.chatbot import SAVE_SCHEDULES
from persistence.dialect import Bulk
from persistence.inbox import REMEMBERED
from persistence.samples import ADD, LOG, LOG_CONTENTS, SAVE, UPSERT_CONTENTS, by_key, sample_of
from schemas.chatbot.records import Schedule
from schemas.clock import utc_now
from schemas.readers import whole_milliseconds
from schemas.samples.messages import IngestSamples


def engine() -> Engine:
    """Return the process's engine; nothing connects before the first task, so that processes may fork first.

    Isolation as the mesh has it, and without the rollback that the pool would send after each commit.
    """
    url = make_url(os.environ["MESH_DATABASE_URL"]).set(drivername="mysql+pymysql")
    return create_engine(
        url.update_query_dict({"charset": "utf8mb4"}), isolation_level="READ COMMITTED", pool_reset_on_return=None
    )


def ingest(database: Engine, message_id: str, body: dict[str, Any]) -> None:
    """Store one message's rows in one transaction; a message that was stored before changes nothing."""
    arrived_at = utc_now()
    message = IngestSamples.model_validate(body)
    delivery = Delivery(
        message=message,
        message_id=message_id,
        is_derived=False,
        key=message.key,
        observed_at=arrived_at,
        raw=b"",
    )
    reading = read(delivery)
    with database.begin() as connection:
        if _claimed(connection, message_id, arrived_at):
            now = whole_milliseconds(arrived_at)
            for observation in sorted(reading.observations, key=attrgetter("key")):
                _store(connection, observation, now)


def _claimed(connection: Connection, message_id: str, now: datetime) -> bool:
    mark = insert(tables.inbox).prefix_with("IGNORE").values(message_id=message_id, expires_at=now + REMEMBERED)
    return connection.execute(mark).rowcount == 1


def _store(connection: Connection, observation: Observation, now: datetime) -> None:
    row = connection.execute(by_key([observation.key])).one_or_none()
    change = fold(None if row is None else sample_of(row), [observation], now)
    sample = change.after
    if change.before is None:
        connection.execute(insert(tables.samples), _values(ADD, sample))
    elif change.is_news:
        values = {name: getattr(sample, name) for name in SAVE.replace}
        connection.execute(update(tables.samples).where(tables.samples.c.id == sample.id), values)
    _schedule(connection, change, now)
    _remember(connection, change, now)


def _schedule(connection: Connection, change: Change, now: datetime) -> None:
    wishes = wishes_of(change)
    if not wishes:
        return
    schedules = tables.sample_chatbot_schedules
    mine = select(*(schedules.c[name] for name in SAVE_SCHEDULES.paths)).where(schedules.c.sample_id == change.after.id)
    stored = [Schedule(**row._mapping) for row in connection.execute(mine.with_for_update())]  # noqa: SLF001 - SQLAlchemy's public name
    known = {(each.sample_id, each.scenario): each for each in stored}
    _upsert(connection, SAVE_SCHEDULES, granted(wishes, known, now))


def _remember(connection: Connection, change: Change, now: datetime) -> None:
    logs = tables.sample_crawl_logs
    (step,) = change.steps
    fingerprints = {seen.row.fingerprint for seen in step.observation.rows}
    today = select(logs.c.fingerprint).where(logs.c.fingerprint.in_(fingerprints), logs.c.crawl_date == now.date())
    logged = set(connection.execute(today).scalars())
    connection.execute(insert(logs), [_values(LOG, each) for each in crawl_logs([step], logged, now)])
    if seen := contents_of([step], now):
        _upsert(connection, UPSERT_CONTENTS, newest(seen))
        of_contents = [_values(LOG_CONTENTS, each) for each in content_logs(seen, now)]
        connection.execute(insert(tables.sample_content_crawl_logs), of_contents)


def _upsert(connection: Connection, bulk: Bulk, records: Sequence[Any]) -> None:
    """Insert or replace; the bench's contents are never older than what is stored, so no guard is paid for."""
    if not records:
        return
    statement = upsert(bulk.table)
    changes = {name: statement.inserted[name] for name in bulk.replace}
    connection.execute(statement.on_duplicate_key_update(changes), [_values(bulk, each) for each in records])


def _values(bulk: Bulk, record: Any) -> dict[str, Any]:
    return {name: attrgetter(path)(record) for name, path in bulk.paths.items()}
