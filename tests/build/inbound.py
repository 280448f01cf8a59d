"""A worker that takes notifications in, and what is stored of them."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from brokers.delivery import Delivery
from brokers.verdict import Conflict
from handlers.replies.composing import Answers
from handlers.replies.inbound import take_webhook
from handlers.replies.reception import Reception
from persistence.engine import Database
from persistence.tables import outbox, webhook_events
from persistence.uow import Uow
from schemas.replies.messages import AnswerThread, TakeWebhook
from schemas.replies.records import Thread
from schemas.replies.tiktok import read
from tests.build.replies import BUSINESS, CONVERSATION, TRIES
from tests.build.tiktok import CLIENT_KEY, content, envelope

#: A moment after the message of the vector was written.
NOW = datetime(2025, 12, 29, 9, 25, 1, tzinfo=UTC)
SAID_AT = datetime(2025, 12, 29, 9, 24, 59, 123000, tzinfo=UTC)
RECEPTION = Reception(client_key=CLIENT_KEY, business_ids={BUSINESS})
MILLISECONDS = int(SAID_AT.timestamp() * 1000)


def notice(raw: bytes, at: datetime = NOW) -> Delivery[TakeWebhook]:
    heard = read(raw)
    message = TakeWebhook(
        raw=b64encode(raw),
        conversation_id=heard.conversation_id,
        dedup_key=heard.dedup_key,
        received_at=at,
        signed_at=at,
    )
    return Delivery(message=message, message_id="m", is_derived=False, key="", observed_at=at, raw=b"")


async def take(
    uow: Uow,
    *bodies: bytes,
    at: datetime = NOW,
    reception: Reception = RECEPTION,
    together: bool = False,
    answers: Answers | None = None,
) -> None:
    """Take notifications in, one after the other or as a group, as the runtime does: again where a race is lost.

    Without `answers` none of them is answered with that.
    """
    for group in [bodies] if together else [(body,) for body in bodies]:
        for tries_left in reversed(range(TRIES)):
            try:
                await take_webhook([notice(body, at) for body in group], uow, lambda: at, reception, answers)
                break
            except Conflict:
                if not tries_left:
                    raise


def message(text: Any = None, message_id: str = "mid-1", seconds: float = 0, **values: Any) -> bytes:
    values.setdefault("timestamp", MILLISECONDS + int(seconds * 1000))
    return envelope(content(text if isinstance(text, dict | None) else {"body": text}, message_id, **values))


async def rows(database: Database, table: Any) -> list[Any]:
    async with database.uow() as tx:
        return list((await tx._session.execute(select(table).order_by(table.c.id))).all())


async def states(database: Database) -> list[str]:
    return [each.state for each in await rows(database, webhook_events)]


async def wakes(database: Database, key: str = AnswerThread.key) -> int:
    """Return how many messages of a kind wait in the outbox."""
    return len([each for each in await rows(database, outbox) if each.routing_key.startswith(key)])


async def stored(uow: Uow, conversation_id: str = CONVERSATION) -> Thread:
    async with uow() as tx:
        found = await tx.threads.get(conversation_id)
    assert found
    return found


async def put(uow: Uow, *threads: Thread) -> None:
    async with uow() as tx:
        for each in threads:
            await tx.threads.opened(each)
