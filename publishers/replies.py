"""The clocks of conversations: what falls due wakes its conversation, and what has run out is ended."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from brokers import metrics
from brokers.outgoing import outgoing
from brokers.verdict import Unavailable
from persistence.uow import Transaction, Uow
from publishers.clockwork import Pace, insist, keep_passing
from publishers.confirming import ConfirmingPublisher
from schemas.base import Message
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.replies.messages import AnswerThread, SendReplies
from schemas.replies.records import ChatMessage, Handoff, Reply, ReplyKind, Role, Thread
from schemas.replies.stock import Item, ItemStatus, Waiting
from schemas.replies.window import WINDOW

log = structlog.get_logger()

#: A customer waits for what falls due, and a look costs four queries over indexes.
PACE = Pace(shortest=timedelta(milliseconds=100), longest=timedelta(milliseconds=500))
#: Before it is over no second wake-up is sent; who wants to be woken earlier takes the note away. The broker keeps a
#: wake-up until it was worked on, so a shorter time would only add copies to a queue that is behind already.
WOKEN_FOR = timedelta(seconds=30)
#: More conversations than that have something due only after an outage, and then the next pass follows at once.
AT_ONCE = 500
#: A hold or a hand-over ends by itself when its time is over, whether or not anybody has swept.
SWEPT_EVERY: Final = timedelta(seconds=60)


class RepliesPoller:
    """Wakes conversations in which something is to be answered or sent; several may run."""

    def __init__(self, uow: Uow, publisher: ConfirmingPublisher, clock: Clock, pace: Pace = PACE) -> None:
        self._uow = uow
        self._publisher = publisher
        self._clock = clock
        self._pace = pace

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until told to stop."""
        await keep_passing(self.pass_once, name="replies", stop=stop, pace=self._pace)

    async def pass_once(self) -> int:
        """Wake what is due and return how many wake-ups that were; raises Unavailable if one was not confirmed."""
        now = self._clock()
        async with self._uow() as tx:
            to_answer = await tx.threads.due(now, AT_ONCE)
            to_send = await tx.threads.due_to_send(now, AT_ONCE)
            await tx.threads.wake(to_answer, now + WOKEN_FOR)
            await tx.threads.wake(to_send, now + WOKEN_FOR, to_send=True)
        await self._say([AnswerThread(conversation_id=each) for each in to_answer])
        await self._say([SendReplies(conversation_id=each) for each in to_send])
        return len(to_answer) + len(to_send)

    async def _say(self, wake_ups: Sequence[Message]) -> None:
        if not wake_ups:
            return
        outcomes = await self._publisher.publish_many([outgoing(each) for each in wake_ups])
        failures = [outcome for outcome in outcomes if outcome is not None]
        if failures:
            raise Unavailable(f"{len(failures)} of {len(wake_ups)} wake-ups not confirmed: {failures[0]}")


class RepliesSweeper:
    """Writes down what has run out, and tells those who wait that a piece is free; several may run.

    `worded` says that a piece is free again. Who was told has a `head_start` before the next in line is.
    """

    def __init__(self, uow: Uow, clock: Clock, worded: Callable[[Item], str], *, head_start: timedelta) -> None:
        self._uow = uow
        self._clock = clock
        self._worded = worded
        self._head_start = head_start

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep every minute until told to stop."""
        await keep_passing(
            self.pass_once, name="replies_sweep", stop=stop, pace=Pace(shortest=SWEPT_EVERY, longest=SWEPT_EVERY)
        )

    async def pass_once(self) -> int:
        """Sweep once; return 1 while there may be more at once."""
        now = whole_milliseconds(self._clock())
        steps = {"holds": self._holds, "orders": self._orders, "handovers": self._handovers, "notices": self._notices}
        found = {name: await step(now) for name, step in steps.items()}
        for name, count in found.items():
            metrics.replies_swept.labels(name).inc(count)
        if any(found.values()):
            log.info("conversations_swept", **found)
        return int(AT_ONCE in found.values())

    async def _holds(self, now: datetime) -> int:
        return await self._once(lambda tx: tx.holds.expire(now, AT_ONCE))

    async def _orders(self, now: datetime) -> int:
        return await self._once(lambda tx: tx.orders.lapse(now, AT_ONCE))

    async def _handovers(self, now: datetime) -> int:
        async with self._uow() as tx:
            over = await tx.threads.handed_back(now, AT_ONCE)

        def back(each: str) -> Callable[[Transaction], Awaitable[Sequence[object]]]:
            return lambda tx: _hand_back(tx, each, now)

        return sum([await self._once(back(each)) for each in over])

    async def _notices(self, now: datetime) -> int:
        async with self._uow() as tx:
            line = await tx.holds.to_tell(now, head_start=self._head_start, limit=AT_ONCE)

        def told(each: Waiting) -> Callable[[Transaction], Awaitable[Sequence[object]]]:
            return lambda tx: self._tell(tx, each, now)

        return sum([await self._once(told(each)) for each in line])

    async def _once(self, work: Callable[[Transaction], Awaitable[Sequence[object]]]) -> int:
        """Do something in a transaction of its own, again where it loses a race; return to how many rows."""
        done: Sequence[object] = ()

        async def step() -> None:
            nonlocal done
            async with self._uow() as tx:
                done = await work(tx)

        await insist(step)
        return len(done)

    async def _tell(self, tx: Transaction, waiting: Waiting, now: datetime) -> Sequence[object]:
        """Tell one customer that a piece is free, if that is so and nobody else has."""
        thread = await tx.threads.get(waiting.conversation_id, for_update=True)
        assert waiting.id is not None
        if thread is None or thread.handoff is Handoff.HUMAN or await tx.holds.in_line(waiting.id) is None:
            return ()
        view = (await tx.stock.by_number([waiting.inventory_id], now)).get(waiting.inventory_id)
        if view is None or view.hold is not None or view.item.status is not ItemStatus.AVAILABLE:
            return ()
        await tx.holds.notified(waiting, now)
        await _say(tx, thread, self._worded(view.item), now)
        return (waiting,)


async def _hand_back(tx: Transaction, conversation_id: str, now: datetime) -> Sequence[object]:
    thread = await tx.threads.get(conversation_id, for_update=True)
    is_over = thread is not None and thread.handoff_until is not None and thread.handoff_until <= now
    if thread is None or thread.handoff is Handoff.BOT or not is_over:
        return ()
    await tx.threads.save(replace(thread, handoff=Handoff.BOT, handoff_until=None, updated_at=now))
    return (thread,)


async def _say(tx: Transaction, thread: Thread, body: str, now: datetime) -> None:
    """Have a notice sent. It is the bot's last word: a number or a yes that follows means nothing that came before."""
    assert thread.last_inbound_at
    conversation = {"conversation_id": thread.conversation_id, "created_at": now, "intent": "WAITING"}
    notice = Reply(
        **conversation,  # type: ignore[arg-type] # a text, a time and a text
        business_id=thread.business_id,
        kind=ReplyKind.WAITING,
        body=body,
        not_before=now,
        expires_at=thread.last_inbound_at + WINDOW,
        updated_at=now,
        decided_by="template",
    )
    number = await tx.replies.add(notice)
    said = ChatMessage(**conversation, role=Role.ASSISTANT, provider_ts=now, content=body, reply_id=number)  # type: ignore[arg-type] # the same
    await tx.chat.add(said)
    await tx.threads.save(replace(thread, menu_shown_at=None, proposal=None, proposed_at=None, updated_at=now))
    await tx.send(SendReplies(conversation_id=thread.conversation_id))
