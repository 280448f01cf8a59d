"""The database in memory as chat publishers and consumers see it: claims, outages, lost races."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from brokers.outgoing import Outgoing
from brokers.verdict import Unavailable
from tests.fakes.chatbot_repositories import FakeCreatorDays, FakeDeliveries, FakeSchedules
from tests.fakes.outbox import FakeOutbox
from tests.fakes.uow import FakeUow


@dataclass
class FakeRetentions:
    """What purges asked for; `answers` are given one a purge, nothing after the last."""

    asked: list[Any] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)


@dataclass
class NoTasks:
    """No outreach task is known."""

    async def look_up(self, _: Any) -> dict[str, Any]:
        return {}


class ChatTransaction:
    """The repositories, as one transaction sees them."""

    def __init__(self) -> None:
        self.schedules = FakeSchedules()
        self.deliveries = FakeDeliveries()
        self.creator_days = FakeCreatorDays()
        self.outreach_tasks = NoTasks()
        self.outbox = FakeOutbox()
        self.retentions = FakeRetentions()

    async def send_all(self, messages: Iterable[Outgoing]) -> None:
        await self.outbox.add(list(messages))

    async def purge(self, retention: Any) -> Any:
        self.retentions.asked.append(retention)
        return self.retentions.answers.pop(0) if self.retentions.answers else 0


class ChatUow(FakeUow):
    """Transactions take turns. `losses` are what the next commits raise, None for those that succeed.

    `is_away` makes it fail like a database that is gone, `is_deaf` like one that commits and goes before it says so;
    `is_open` tells whether a transaction is open right now.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tx: ChatTransaction = ChatTransaction()  # type: ignore[assignment]  # fewer repositories, other fakes
        self.is_away = False
        self.is_deaf = False
        self.is_open = False
        self.losses: list[BaseException | None] = []
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Any]:
        async with self._turn:
            if self.is_away:
                raise Unavailable("the database is away")
            self.is_open = True
            try:
                async with super()._transaction() as tx:
                    yield tx
                    if self.losses and (loss := self.losses.pop(0)):
                        raise loss
            finally:
                self.is_open = False
            if self.is_deaf:
                raise Unavailable("the database went away during the commit")
