"""The unit of work: the one place where a transaction begins, commits and rolls back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from brokers.outgoing import Outgoing, outgoing
from persistence.border import border
from persistence.chatbot import CreatorDays, Deliveries, Schedules
from persistence.inbox import Inbox
from persistence.outbox import Outbox
from persistence.purge import Purged, Retention, purge
from persistence.relay import Attempts, Configuration, Destinations, EventDeliveries, Events, Search, Secrets
from persistence.replies import Chat, Holds, Orders, People, Replies, Stock, Threads, Tokens, Webhooks
from persistence.samples import Samples
from persistence.session import READ_TIMEOUT, Session
from schemas.base import Message
from schemas.clock import Clock

log = structlog.get_logger()

Uow = Callable[[], AbstractAsyncContextManager["Transaction"]]


class Transaction:
    """One open transaction and what may be done in it; it commits when the `async with` block ends well."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self.samples = Samples(session)
        self.schedules = Schedules(session)
        self.deliveries = Deliveries(session)
        self.creator_days = CreatorDays(session)
        self.configuration = Configuration(session, clock)
        self.destinations = Destinations(session, clock)
        self.events = Events(session)
        self.event_deliveries = EventDeliveries(session)
        self.attempts = Attempts(session)
        self.search = Search(session)
        self.secrets = Secrets(session)
        self.people = People(session)
        self.threads = Threads(session)
        self.webhooks = Webhooks(session)
        self.chat = Chat(session)
        self.replies = Replies(session)
        self.tokens = Tokens(session)
        self.stock = Stock(session)
        self.holds = Holds(session)
        self.orders = Orders(session)
        self.inbox = Inbox(session, clock)
        self.outbox = Outbox(session, clock)

    async def send(self, message: Message, **properties: Any) -> None:
        """Say something once this transaction has committed; `properties` override the fields of `Outgoing`."""
        await self.outbox.add([outgoing(message, **properties)])

    async def send_all(self, messages: Iterable[Message | Outgoing]) -> None:
        """Say several things, in this order, once this transaction has committed."""
        await self.outbox.add([each if isinstance(each, Outgoing) else outgoing(each) for each in messages])

    async def purge(self, retention: Retention) -> Purged:
        """Delete a bounded number of rows that have outlived their use; repeat while the answer is not empty."""
        return await purge(self._session, retention)


@contextlib.asynccontextmanager
async def transaction(engine: AsyncEngine, clock: Clock) -> AsyncIterator[Transaction]:
    """Open a transaction; leaving the block commits, an exception rolls back.

    Commit is never torn by a cancellation: it is awaited to its end, then the cancellation goes on.
    """
    with border():
        async with asyncio.timeout(READ_TIMEOUT.total_seconds()):
            connection = await engine.connect()
    session = Session(connection)
    try:
        with border():
            await session.begin()
        yield Transaction(session, clock)
        with border():
            await session.shielded(connection.commit())
    except BaseException:
        await session.shielded(_roll_back(connection))
        raise
    finally:
        await session.end()


async def _roll_back(connection: AsyncConnection) -> None:
    """Undo what was done; a connection that cannot even roll back is discarded, and the server undoes it."""
    try:
        await connection.rollback()
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  the error that led here matters more
        log.warning("rollback_failed", error=str(error))
        await connection.invalidate()
