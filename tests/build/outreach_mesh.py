"""The handlers of outreach on one database, with the outbox carried by hand and a chat that keeps what it was told."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from brokers.delivery import Delivery
from brokers.outgoing import Outgoing
from brokers.verdict import Conflict, Reject, Retryable
from handlers.chatbot import Unrecorded, send_chat_messages
from handlers.outreach import control_outreach, decide_contacts, ingest_outreach_task, on_chat_outcome
from persistence.engine import Database
from publishers.outreach import OutreachPoller
from publishers.schedules.politeness import Politeness
from schemas.chatbot.messages import SendChatMessages
from schemas.crawl.messages import CrawlCreators
from schemas.outreach.messages import ChatOutcome, DecideContacts
from schemas.outreach.records import Contact, OutreachTask
from tests.build.outreach import NOON, control, delivered, found, task
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender


async def persevering(work: Callable[[], Awaitable[Any]]) -> Any:
    """Run a handler as the runtime does: one that lost a race runs again at once."""
    for _ in range(30):
        try:
            return await work()
        except Conflict:
            await asyncio.sleep(random.random() / 50)
    raise AssertionError("lost thirty races in a row")


class OutreachMesh:
    """One mesh; `carry` delivers what handlers say until nobody says more."""

    def __init__(self, database: Database) -> None:
        self.database, self.uow = database, database.uow
        self.clock, self.sender = FakeClock(NOON), FakeSender()
        self.unrecorded, self.politeness = Unrecorded(), Politeness()
        self.crawls: list[CrawlCreators] = []

    async def report(self, task_id: str = "T-1", **fields: Any) -> Any:
        return await ingest_outreach_task(delivered(task(task_id, **fields), at=self.clock()), self.uow, self.clock)

    async def hand_over(self, *creator_ids: str, **fields: Any) -> None:
        await decide_contacts([delivered(found(*creator_ids, **fields))], self.uow, self.clock, self.politeness)

    async def control(self, action: str, task_id: str = "T-1", **fields: Any) -> None:
        await control_outreach(delivered(control(action, task_id, **fields)), self.uow, self.clock)

    async def poll(self) -> int:
        return await OutreachPoller(self.uow, self.clock).pass_once()

    async def said(self) -> list[Outgoing]:
        """Take what waits in the outbox."""
        async with self.uow() as tx:
            lease = timedelta(seconds=1)
            rows = await tx.outbox.claim(limit=1000, token="t" * 36, lease=lease, now=self.clock())
            await tx.outbox.delete([row.id for row in rows], token="t" * 36)
        return [row.message for row in rows]

    async def carry(self) -> None:
        """Deliver what was said until nothing more is, each message alone."""
        while messages := await self.said():
            for message in messages:
                await self.deliver(message)

    async def deliver(self, message: Outgoing) -> None:
        if message.key == "chatbot.sample.batch":
            await self.chat(message)
        elif message.key.startswith("chatbot.outcome"):
            heard = delivered(ChatOutcome.model_validate_json(message.body), message_id=message.message_id)
            await on_chat_outcome([heard], self.uow, self.clock)
        elif message.key == "outreach.contacts.decide":
            handed = delivered(DecideContacts.model_validate_json(message.body), message_id=message.message_id)
            await decide_contacts([handed], self.uow, self.clock, self.politeness)
        else:
            self.crawls.append(CrawlCreators.model_validate_json(message.body))

    async def chat(self, message: Outgoing, attempt: int = 1) -> None:
        batch = SendChatMessages.model_validate_json(message.body)
        delivery: Delivery[SendChatMessages] = delivered(batch, message_id=message.message_id, attempt=attempt)
        with contextlib.suppress(Retryable, Reject):
            await send_chat_messages(delivery, self.uow, self.sender, self.clock, self.unrecorded)

    async def task(self, task_id: str = "T-1") -> OutreachTask:
        async with self.uow() as tx:
            return (await tx.outreach_tasks.find([task_id]))[task_id]

    async def contacts(self, task_id: str = "T-1") -> dict[str, Contact]:
        async with self.uow() as tx:
            return {each.platform_creator_id: each for each in await tx.contacts.listed(task_id, None, 1000)}

    async def states(self, task_id: str = "T-1") -> dict[str, int]:
        async with self.uow() as tx:
            return {str(state): count for state, count in (await tx.contacts.tally([task_id]))[task_id].items()}

    @property
    def written_to(self) -> list[str]:
        return [task.platform_creator_id for task in self.sender.sent]
