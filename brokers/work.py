"""What the two ways of working through a queue share: a buffer that fills, drains and gives back."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import timedelta

from brokers.attempt import Attempt
from brokers.courier import Courier
from brokers.held import Held
from brokers.subscription import Subscription

#: How often a pause looks whether work has ended, in seconds.
_LOOK = 0.01


class Work(ABC):
    """Takes deliveries in order of arrival and settles each: done, retried, parked or given back."""

    def __init__(self, attempt: Attempt, courier: Courier, *, gives_back_by_nack: bool) -> None:
        """`gives_back_by_nack`: order matters more than the delivery count, or the broker does not count a nack."""
        self._attempt = attempt
        self._courier = courier
        self.gives_back_by_nack = gives_back_by_nack
        self._open = asyncio.Event()
        self._open.set()

    @abstractmethod
    def accept(self, held: Held) -> None:
        """Take one delivery into the buffer."""

    @abstractmethod
    def start(self) -> None:
        """Begin to work."""

    @property
    @abstractmethod
    def is_idle(self) -> bool:
        """Whether nothing is held."""

    @abstractmethod
    def holds_of(self, subscription: Subscription) -> bool:
        """Whether something is held that came on a subscription."""

    @property
    @abstractmethod
    def has_begun(self) -> bool:
        """Whether a handler is at work."""

    async def paused(self, within: timedelta) -> bool:
        """Begin nothing more and finish what has begun; false where that takes too long, and then it goes on."""
        self._open.clear()
        try:
            async with asyncio.timeout(within.total_seconds()):
                while self.has_begun:  # noqa: ASYNC110 -- an event would cost each message
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            self._open.set()
            return False
        return True

    def resume(self) -> None:
        """Go on after a pause, if there was one; what came on a channel that is closed by now is passed over."""
        self._open.set()

    @abstractmethod
    async def drain(self) -> None:
        """Finish what runs, settle or give back the rest; no more deliveries will come."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop at once; what is unacked goes back when its channel closes."""

    async def _give_back(self, untouched: Iterable[Held]) -> None:
        """Return messages that no handler has begun, without their counting as failed deliveries.

        One that the broker would not take ends its subscription, so that no later ack covers it.
        """
        if self.gives_back_by_nack:
            for held in untouched:
                await held.subscription.give_back(held.incoming.tag)
            return
        waiting = [held for held in untouched if held.subscription.is_live]  # the broker has the others already
        outcomes = await asyncio.gather(*(self._courier.hand_back(held.incoming) for held in waiting))
        for held, was_taken in zip(waiting, outcomes, strict=True):
            if was_taken:
                await held.ack()
            else:
                held.subscription.lost.set()

    async def _fail(self, held: Held, error: Exception) -> bool:
        return await self._courier.failed(held.incoming, error)
