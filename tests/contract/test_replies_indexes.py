"""That what is asked for every message of a customer's reads an index and not a table."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import event

from mesh.embedded.mariadb import PrivateMariaDB
from persistence.dialect import Bulk, paths_of
from persistence.engine import Database
from persistence.migrate import upgrade
from persistence.replies.retention import delete_customers, delete_messages, delete_notifications
from persistence.replies.threads import OPEN, SEEN
from persistence.tables import messages, replies, webhook_events
from persistence.uow import Transaction
from schemas.replies.records import ReplyState, WebhookState
from schemas.replies.stock import ItemStatus
from schemas.replies.wishes import Wish
from tests.build.records import NOON
from tests.build.replies import item, later, reply, said, thread, user, webhook
from tests.services.databases import opened
from tests.services.sql import fresh_database

THREADS = [f"cv-{number}" for number in range(500)]
ROWS = 5000
LEASE = timedelta(minutes=2)
LONG_AGO = NOON - timedelta(days=90)
_NO_CLAIM = ("id", "claim_token", "claimed_until")
#: How a server calls reading all rows of a table, and all of an index.
SCANS = {"ALL", "index"}


@pytest.fixture
async def full(sql: PrivateMariaDB) -> AsyncIterator[Database]:
    """A shop that has been at work for a while: nearly everything is done, sent or sold."""
    async with fresh_database(sql) as url:
        await upgrade(url)
        async with opened(url) as database:
            async with database.uow() as tx:
                await _fill(tx)
            yield database


async def _fill(tx: Transaction) -> None:
    session = tx._session
    at = [NOON - timedelta(minutes=number) for number in range(ROWS)]
    of = [THREADS[number % len(THREADS)] for number in range(ROWS)]
    await session.write(SEEN, [user(f"usr-{number}") for number in range(500)])
    await session.write(OPEN, [thread(each, user_id=f"usr-{number}") for number, each in enumerate(THREADS)])
    events = [
        webhook(f"mid-{number}", conversation_id=of[number], received_at=at[number], state=WebhookState.DONE)
        for number in range(ROWS)
    ]
    events = [replace(each, dedup_key=sha256(str(number).encode()).hexdigest()) for number, each in enumerate(events)]
    await session.write(Bulk(table=webhook_events, paths=paths_of(webhook_events, leave_out=_NO_CLAIM)), events)
    texts = [
        said(conversation_id=of[number], provider_ts=at[number], provider_message_id=f"mid-{number}", event_id=number)
        for number in range(ROWS)
    ]
    await session.write(Bulk(table=messages, paths=paths_of(messages, leave_out=("id",))), texts)
    sent = [
        reply(
            conversation_id=of[number],
            reply_to_event=number,
            state=ReplyState.SENT,
            provider_message_id=f"out-{number}",
            sending_at=at[number],
        )
        for number in range(ROWS)
    ]
    await session.write(Bulk(table=replies, paths=paths_of(replies, leave_out=_NO_CLAIM)), sent)
    sold = [item(f"TH-B-{number:05}", status=ItemStatus.SOLD, created_at=at[number]) for number in range(ROWS)]
    await tx.stock.put([*sold, *(item(f"TH-P-{number:03}") for number in range(40))])
    await session._connection.exec_driver_sql(
        "ANALYZE TABLE users, threads, webhook_events, messages, replies, inventory, reservations"
    )


async def scanned(database: Database, work: Callable[[Transaction], Awaitable[Any]]) -> list[str]:
    """Run something, ask how the server did each query of it, and return what it read from one end to the other."""
    asked: list[tuple[str, Any]] = []

    def note(*call: Any) -> None:
        asked.append((call[2], call[3]))

    async with database.uow() as tx:
        connection = tx._session._connection
        event.listen(connection.sync_connection, "before_cursor_execute", note)
        ask = tx._session._asked

        async def noted(text: str, parameters: Any) -> Any:
            asked.append((text, parameters))
            return await ask(text, parameters)

        tx._session._asked = noted  # type: ignore[method-assign] # what goes to the driver itself
        await work(tx)
        event.remove(connection.sync_connection, "before_cursor_execute", note)
        found = []
        for statement, values in asked:
            if not statement.lstrip().upper().startswith(("SELECT", "UPDATE")):
                continue
            rows = (await connection.exec_driver_sql(f"EXPLAIN {statement}", values)).mappings().all()
            # A table without a row (nothing is held, no piece is waited for) is read as it comes.
            found += [f"{row['table']} by {row['key']}: {statement}" for row in rows if _is_scan(row)]
    assert asked
    return found


def _is_scan(row: Any) -> bool:
    return row["type"] in SCANS and int(row["rows"] or 0) > 100


WORK: dict[str, Callable[[Transaction], Awaitable[Any]]] = {
    "a notification is known by what it says": lambda tx: tx.webhooks.add(webhook("mid-new")),
    "what waits in a conversation": lambda tx: tx.webhooks.claim("cv-7", now=NOON, token="a", lease=LEASE),
    "whether anything waits": lambda tx: tx.webhooks.waits("cv-7"),
    "the backlog": lambda tx: tx.webhooks.backlog(NOON),
    "a conversation": lambda tx: tx.threads.opened(thread("cv-7")),
    "conversations to answer": lambda tx: tx.threads.due(later(-99999), 100),
    "conversations to send to": lambda tx: tx.threads.due_to_send(NOON, 100),
    "a message is known": lambda tx: tx.chat.add(said(conversation_id="cv-7", provider_message_id="mid-7")),
    "the last messages": lambda tx: tx.chat.recent("cv-7", since=NOON - timedelta(days=1), limit=10),
    "a flood": lambda tx: tx.chat.count_since("cv-7", later(-1)),
    "what notifications said": lambda tx: tx.chat.of_events([7, 8]),
    "a reply is known by what it answers": lambda tx: tx.replies.add(reply(reply_to_event=7)),
    "what is to be sent": lambda tx: tx.replies.open_of("cv-7"),
    "an echo": lambda tx: tx.replies.echoed("cv-7", "out-7", "Yes", NOON, NOON),
    "an echo of nothing": lambda tx: tx.replies.echoed("cv-7", "out-none", "Yes", NOON, NOON),
    "uncertain replies": lambda tx: tx.replies.unsettled(NOON, 100),
    "a piece": lambda tx: tx.stock.find("TH-P-001", NOON),
    "what is new": lambda tx: tx.stock.search(Wish(), NOON),
    "pieces by words": lambda tx: tx.stock.search(Wish(words=("carhartt",)), NOON),
    "a hold": lambda tx: tx.holds.hold("usr-7", None, "TH-P-001", NOON),
    "an order": lambda tx: tx.orders.from_holds("usr-7", None, ["TH-P-002"], NOON),
    "orders of a customer": lambda tx: tx.orders.of_user("usr-7"),
    "holds that have ended": lambda tx: tx.holds.expire(NOON, 100),
    "orders that were not paid": lambda tx: tx.orders.lapse(NOON, 100),
    "conversations to hand back": lambda tx: tx.threads.handed_back(NOON, 100),
    "who is to be told that a piece is free": lambda tx: tx.holds.to_tell(NOON, head_start=LEASE, limit=100),
    "what has not ended": lambda tx: tx.replies.counts([ReplyState.PENDING, ReplyState.UNCERTAIN]),
    "what an operator reads of a conversation": lambda tx: tx.replies.of("cv-7", 100),
    "what was said long ago": lambda tx: delete_messages(tx._session, LONG_AGO, 100),
    "what came long ago": lambda tx: delete_notifications(tx._session, LONG_AGO, 100),
    "who wrote long ago": lambda tx: delete_customers(tx._session, LONG_AGO, 100),
}


async def test_nothing_that_a_message_asks_for_reads_a_table_from_one_end_to_the_other(full: Database) -> None:
    read = {name: found for name, work in WORK.items() if (found := await scanned(full, work))}
    assert read == {}
