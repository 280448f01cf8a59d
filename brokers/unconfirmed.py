"""Which messages the broker has not confirmed yet, and what becomes of each; single or multiple acks cost the same."""

import asyncio
from collections.abc import Sequence

from brokers.outgoing import Outgoing
from brokers.verdict import Reject, Unavailable


class Unroutable(Reject):
    """No queue wanted the message, and its exchange keeps no strays."""


class Group:
    """Messages published together; `done` once each has its outcome, None for confirmed."""

    __slots__ = ("_left", "done", "messages", "outcomes")

    def __init__(self, messages: Sequence[Outgoing]) -> None:
        self.messages = messages
        self.outcomes: list[Exception | None] = [None] * len(messages)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = set(range(len(messages)))

    def settle(self, index: int, outcome: Exception | None) -> None:
        """Note what became of a message; what is said of it later is not heard."""
        if index not in self._left:
            return
        self._left.remove(index)
        self.outcomes[index] = outcome
        if not self._left and not self.done.done():
            self.done.set_result(None)

    def fail(self, reason: object) -> None:
        """Report everything that has no outcome yet as unconfirmed."""
        for index in sorted(self._left):
            self.settle(index, Unavailable(f"{self.messages[index].key} was not confirmed: {reason}"))


class Unconfirmed:
    """The messages of one channel in order of their delivery tags, which the broker counts as we do, from one."""

    def __init__(self, most: int) -> None:
        """`most` is how many may be unconfirmed at once."""
        self._most = most
        self._tag = 0
        self._waiting: dict[int, tuple[Group, int]] = {}
        self._turn = asyncio.Lock()
        self._freed: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    async def room(self, wanted: int) -> None:
        """Wait until that many more may be published; in order of asking, so that nobody starves."""
        if not self._turn.locked() and len(self._waiting) + wanted <= self._most:
            return  # nobody waits, as most often: a lock would cost a publish of one message a twentieth
        async with self._turn:
            while self._waiting and len(self._waiting) + wanted > self._most:
                self._freed = asyncio.get_running_loop().create_future()
                await self._freed

    def add(self, group: Group, index: int) -> None:
        """Give the next delivery tag to a message."""
        self._tag += 1
        self._waiting[self._tag] = group, index

    def confirm(self, tag: int, *, multiple: bool, is_taken: bool) -> None:
        """Hear an ack or a nack of one message, or of all up to it."""
        if multiple:
            tags = []
            for waiting in self._waiting:
                if waiting > tag:
                    break
                tags.append(waiting)
        else:
            tags = [tag]
        for each in tags:
            if found := self._waiting.pop(each, None):
                group, index = found
                group.settle(index, None if is_taken else _refused(group.messages[index]))
        self._tell()

    def returned(self, message_id: str | None, exchange: str | None, key: str | None) -> None:
        """Hear that nothing is bound for a message; its ack is still to come, and adds nothing.

        A channel returns in the order of publishing, so of several that look alike it is the first.
        """
        wanted = message_id, exchange, key
        for group, index in self._waiting.values():
            message = group.messages[index]
            if (message.message_id, message.exchange, message.key) == wanted and not group.outcomes[index]:
                group.settle(index, Unroutable(f"nothing is bound to {exchange} for {key}"))
                return

    def misaddressed(self, exchange: str) -> None:
        """Hear that there is no such exchange, over which the broker has closed the channel."""
        for group, index in self._waiting.values():
            if group.messages[index].exchange == exchange:
                group.settle(index, Unroutable(f"there is no exchange {exchange}"))

    def fail(self, reason: object) -> None:
        """Report everything in flight as unconfirmed."""
        waiting, self._waiting = self._waiting, {}
        for group in {id(group): group for group, _ in waiting.values()}.values():
            group.fail(reason)
        self._tell()

    def _tell(self) -> None:
        if self._freed is not None and not self._freed.done():
            self._freed.set_result(None)


def _refused(message: Outgoing) -> Unavailable:
    return Unavailable(f"the broker refused {message.key} (nack)")
