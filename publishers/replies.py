"""The poller of conversations: what falls due, or was left by one who died, wakes its conversation."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from brokers.outgoing import outgoing
from brokers.verdict import Unavailable
from persistence.uow import Uow
from publishers.clockwork import Pace, keep_passing
from publishers.confirming import ConfirmingPublisher
from schemas.base import Message
from schemas.clock import Clock
from schemas.replies.messages import AnswerThread, SendReplies

#: A customer waits for what falls due, and a look costs four queries over indexes.
PACE = Pace(shortest=timedelta(milliseconds=100), longest=timedelta(milliseconds=500))
#: Before it is over no second wake-up is sent; who wants to be woken earlier takes the note away.
WOKEN_FOR = timedelta(seconds=5)
#: More conversations than that have something due only after an outage, and then the next pass follows at once.
AT_ONCE = 500


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
