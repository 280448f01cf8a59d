"""A customer who writes to a shop, and what the shop answers, on a database."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from brokers.delivery import Delivery
from handlers.replies.answering import answer_thread
from handlers.replies.composing import Answers
from persistence.uow import Transaction, Uow
from schemas.replies.messages import AnswerThread
from schemas.replies.records import Reply, ReplyState, Thread, WebhookState
from tests.build.records import NOON
from tests.build.replies import CONVERSATION, CUSTOMER, said, seed, thread, user, webhook

_numbers = count(1)


@dataclass
class Talk:
    """One conversation; `answers` is how the shop is set up."""

    uow: Uow
    answers: Answers = field(default_factory=Answers)
    conversation: str = CONVERSATION
    customer: str = CUSTOMER
    now: datetime = NOON

    async def opened(self) -> "Talk":
        """Store the forty pieces, the customer and the conversation."""
        async with self.uow() as tx:
            await tx.stock.put(seed())
            await tx.people.seen([user(self.customer)])
            await tx.threads.opened(thread(self.conversation, user_id=self.customer))
        return self

    async def write(self, *texts: str, **values: Any) -> None:
        """Have messages taken in, a second apart."""
        for text in texts:
            async with self.uow() as tx:
                await self.put(tx, text, **values)

    async def put(self, tx: Transaction, text: str, **values: Any) -> None:
        """Have a message taken in, a second later, in somebody's transaction."""
        self.now += timedelta(seconds=1)
        number = f"mid-{next(_numbers)}"
        event = webhook(number, conversation_id=self.conversation, provider_ts=self.now, received_at=self.now)
        event_id = await tx.webhooks.add(event)
        message = said(
            text,
            conversation_id=self.conversation,
            provider_message_id=number,
            provider_ts=self.now,
            created_at=self.now,
            event_id=event_id,
            **values,
        )
        await tx.chat.add(message)
        known = await self._thread(tx)
        await tx.threads.save(replace(known, last_inbound_at=self.now, answer_at=self.now))

    async def answer(self, token: str | None = None) -> None:
        """Let the shop answer what waits."""
        message = AnswerThread(conversation_id=self.conversation)
        carried = Delivery(
            message=message,
            message_id=token or f"m-{next(_numbers)}",
            is_derived=False,
            key=AnswerThread.key,
            observed_at=self.now,
            raw=b"",
        )
        await answer_thread(carried, self.uow, lambda: self.now, self.answers)

    async def ask(self, *texts: str, **values: Any) -> str:
        """Write, and return what is answered; nothing where nobody answers."""
        before = len(await self.replies())
        await self.write(*texts, **values)
        await self.answer()
        return "\n---\n".join(each.body for each in (await self.replies())[before:])

    async def replies(self) -> list[Reply]:
        async with self.uow() as tx:
            listed = await tx.replies.listed(list(ReplyState), 1000)
        return [each for each in listed if each.conversation_id == self.conversation]

    async def thread(self) -> Thread:
        async with self.uow() as tx:
            return await self._thread(tx)

    async def waiting(self) -> int:
        async with self.uow() as tx:
            states = (WebhookState.RECEIVED, WebhookState.CLAIMED)
            return sum([len(await tx.webhooks.listed(state, 1000)) for state in states])

    async def promised(self) -> tuple[list[str], list[str]]:
        """Return what is kept for the customer and what the customer ordered."""
        async with self.uow() as tx:
            kept = [item.sku for _, item in await tx.holds.of_user(self.customer, self.now)]
            ordered = [item.sku for each in await tx.orders.of_user(self.customer) for item, _ in each.items]
        return kept, ordered

    async def _thread(self, tx: Any) -> Thread:
        found = await tx.threads.get(self.conversation)
        assert found
        return found  # type: ignore[no-any-return]  # the transaction is Any here
