"""One message at a time in each of N hands; messages of one key one after the other, different keys in parallel."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from brokers.attempt import Attempt, Halted
from brokers.courier import Courier
from brokers.held import Held
from brokers.subscription import Subscription
from brokers.work import Work

log = structlog.get_logger()

KeyOf = Callable[[Any], str]


class SingleWork(Work):
    """Works through a queue message by message, never more than `concurrency` at once.

    What failed is moved on beside that: the broker's confirm takes longer than most handlers, and no hand waits for it.
    """

    def __init__(
        self,
        attempt: Attempt,
        courier: Courier,
        concurrency: int,
        key_of: KeyOf | None = None,
        *,
        gives_back_by_nack: bool,
    ) -> None:
        super().__init__(attempt, courier, gives_back_by_nack=gives_back_by_nack)
        self._concurrency = concurrency
        self._key_of = key_of
        self._ready: deque[Held] = deque()
        self._lines: dict[str, deque[Held]] = {}
        self._arrived = asyncio.Semaphore(0)
        self._held: set[Held] = set()
        self._draining = False
        self._begun = 0
        self._hands: list[asyncio.Task[None]] = []
        self._moves: set[asyncio.Task[None]] = set()

    def accept(self, held: Held) -> None:
        """Take one delivery: ready at once, or behind the one of its key that came before."""
        held.read()
        self._held.add(held)
        key = self._key(held)
        if key is not None and key in self._lines:
            self._lines[key].append(held)
            return
        if key is not None:
            self._lines[key] = deque()
        self._make_ready(held)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held."""
        return not self._held

    @property
    def has_begun(self) -> bool:
        """Whether a hand is at work."""
        return bool(self._begun)

    def holds_of(self, subscription: Subscription) -> bool:
        """Whether something is held that came on a subscription."""
        return any(held.subscription is subscription for held in self._held)

    def start(self) -> None:
        """Begin to work."""
        self._hands = [asyncio.create_task(self._run()) for _ in range(self._concurrency)]

    async def drain(self) -> None:
        """Finish what has begun, give back what has not, in its order."""
        self._draining = True
        self._open.set()
        for _ in self._hands:
            self._arrived.release()
        await asyncio.gather(*self._hands)
        await asyncio.gather(*self._moves)
        waiting = [held for line in self._lines.values() for held in line]
        rest = sorted([*self._ready, *waiting], key=lambda held: held.incoming.tag)
        self._ready.clear()
        self._lines.clear()
        await self._give_back(rest)
        self._held.clear()

    async def stop(self) -> None:
        """Stop at once."""
        tasks = [*self._hands, *self._moves]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _make_ready(self, held: Held) -> None:
        self._ready.append(held)
        self._arrived.release()

    async def _run(self) -> None:
        while True:
            await self._arrived.acquire()
            await self._open.wait()
            if self._draining:
                return
            held = self._ready.popleft()
            self._begun += 1
            if held.subscription.is_live and (error := await self._worked(held)) is not None:
                move = asyncio.create_task(self._moved(held, error))
                self._moves.add(move)
                move.add_done_callback(self._moves.discard)
            else:
                self._leave(held)

    def _leave(self, held: Held) -> None:
        """Forget a message and let the next of the same key through."""
        self._begun -= 1
        self._held.discard(held)
        key = self._key(held)
        if key is None or key not in self._lines:
            return
        if self._lines[key]:
            self._make_ready(self._lines[key].popleft())
        else:
            del self._lines[key]

    async def _worked(self, held: Held) -> Exception | None:
        """Run the handler and ack, or return why the message has to be moved."""
        if held.error is not None:
            return held.error
        with _told_of(held):
            return await self._handled(held)
        return None

    async def _handled(self, held: Held) -> Exception | None:
        try:
            result = await self._attempt(held.incoming.delivery(held.message), [held.incoming.headers])
        except Halted:
            if self._attempt.is_stopping:
                await self._give_back([held])
            else:
                held.subscription.lost.set()
            return None
        except Exception as error:  # noqa: BLE001 - a verdict or a bug, and both have their rules
            return error
        await self._courier.done([held.incoming], [result])
        await held.ack()
        return None

    async def _moved(self, held: Held, error: Exception) -> None:
        """Retry or park; what the broker would not take comes again on the next subscription."""
        with _told_of(held):
            if await self._fail(held, error):
                await held.ack()
            else:
                held.subscription.lost.set()
        self._leave(held)

    def _key(self, held: Held) -> str | None:
        if self._key_of is None or held.error is not None:
            return None
        return self._key_of(held.message)


@contextmanager
def _told_of(held: Held) -> Iterator[None]:
    """Let every line of the log say which message it is about; a bug of ours costs a redelivery, not the consumer."""
    message = held.incoming
    with structlog.contextvars.bound_contextvars(
        queue=message.queue.name,
        message_id=message.message_id,
        correlation_id=message.correlation_id,
        attempt=message.attempt,
    ):
        try:
            yield
        except Exception:
            log.exception("message_failed")
            held.subscription.lost.set()
