"""Group commit: many small messages, one transaction, one ack; a failing group is halved until the culprit is alone."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog

from brokers import metrics
from brokers.attempt import Attempt, Halted
from brokers.courier import Courier
from brokers.held import Held
from brokers.queue import Batch
from brokers.subscription import Subscription
from brokers.work import Work

log = structlog.get_logger()


class GroupWork(Work):
    """Works through a queue in groups, one group at a time and in order, so that one ack can cover a whole group."""

    def __init__(self, attempt: Attempt, courier: Courier, batch: Batch, *, gives_back_by_nack: bool) -> None:
        super().__init__(attempt, courier, gives_back_by_nack=gives_back_by_nack)
        self._size = batch.size
        self._max_bytes = batch.max_bytes
        self._linger = batch.linger.total_seconds()
        self._buffer: deque[Held] = deque()
        self._bytes = 0
        self._at_work: Sequence[Held] = ()
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._draining = False
        self._loop: asyncio.Task[None] | None = None

    def accept(self, held: Held) -> None:
        """Take one delivery into the buffer, and read the next group while a transaction waits for SQL."""
        if self._bytes < self._max_bytes:
            held.read()
        self._buffer.append(held)
        self._bytes += len(held.incoming.body)
        self._arrived.set()
        if self._is_full:
            self._full.set()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held."""
        return not self._buffer and not self._at_work

    @property
    def has_begun(self) -> bool:
        """Whether a group is at work."""
        return bool(self._at_work)

    def holds_of(self, subscription: Subscription) -> bool:
        """Whether something is held that came on a subscription."""
        return any(held.subscription is subscription for held in (*self._at_work, *self._buffer))

    @property
    def _is_full(self) -> bool:
        return len(self._buffer) >= self._size or self._bytes >= self._max_bytes

    def start(self) -> None:
        """Begin to work."""
        self._loop = asyncio.create_task(self._run())

    async def drain(self) -> None:
        """Commit everything in the buffer: small messages are finished faster than they are handed back."""
        self._draining = True
        self._open.set()
        self._arrived.set()
        self._full.set()
        if self._loop is not None:
            await self._loop
        untouched, self._buffer = self._buffer, deque()
        await self._give_back(untouched)

    async def stop(self) -> None:
        """Stop at once."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _run(self) -> None:
        while group := await self._next_group():
            live = [held for held in group if held.subscription.is_live]
            if not live:
                continue
            try:
                self._at_work = live
                await self._settle(live)
            except Exception:  # the loop of the process: a bug of ours must cost a redelivery, not the consumer
                log.exception("group_failed", queue=live[0].incoming.queue.name)
                live[0].subscription.lost.set()
            finally:
                self._at_work = ()

    async def _next_group(self) -> list[Held]:
        """Wait for the first message, then until the group is full or its oldest has lingered; empty when drained.

        What arrived while the group before was being committed has lingered by then, and goes at once.
        """
        while not self._buffer:
            if self._draining:
                return []
            self._arrived.clear()
            await self._arrived.wait()
        left = self._buffer[0].since + self._linger - time.monotonic()
        if left > 0 and not self._is_full and not self._draining:
            self._full.clear()
            with suppress(TimeoutError):  # then the group goes as it is
                async with asyncio.timeout(left):
                    await self._full.wait()
        await self._open.wait()
        return self._group()

    def _group(self) -> list[Held]:
        """Take the oldest messages, at least one, within size and bytes; all of them read."""
        group: list[Held] = []
        size = 0
        while self._buffer and len(group) < self._size and (not group or size < self._max_bytes):
            held = self._buffer.popleft()
            held.read()
            group.append(held)
            size += len(held.incoming.body)
        self._bytes -= size
        return group

    async def _settle(self, group: Sequence[Held]) -> None:
        """Bring every message of a group to its end, then ack what has come to one."""
        settled: list[Held] = []
        try:
            await self._park_invalid([held for held in group if held.error is not None], settled)
            await self._commit([held for held in group if held.error is None], settled)
        except Halted:
            if self._attempt.is_stopping:
                for held in settled:  # one by one: an ack of many would cover what is only being given back
                    await held.ack()
                await self._give_back(_without(group, settled))
                group = settled = []
        finally:
            await self._ack(group, settled)

    async def _commit(self, group: Sequence[Held], settled: list[Held]) -> None:
        if not group:
            return
        queue = group[0].incoming.queue.name
        try:
            deliveries = [held.incoming.delivery(held.message) for held in group]
            headers = [held.incoming.headers for held in group]
            results = _aligned(await self._attempt(deliveries, headers), len(group))
        except Halted:
            raise
        except Exception as error:  # noqa: BLE001 - a verdict or a bug, and both have their rules
            if len(group) > 1:
                half = len(group) // 2
                await self._commit(group[:half], settled)
                await self._commit(group[half:], settled)
            elif await self._fail(group[0], error):
                settled.append(group[0])
            return
        metrics.batch_size.labels(queue).observe(len(group))
        settled += group
        await self._courier.done([held.incoming for held in group], results)

    async def _park_invalid(self, invalid: Sequence[Held], settled: list[Held]) -> None:
        outcomes = await asyncio.gather(*(self._fail(held, held.error) for held in invalid if held.error is not None))
        settled += [held for held, moved in zip(invalid, outcomes, strict=True) if moved]

    async def _ack(self, group: Sequence[Held], settled: Sequence[Held]) -> None:
        """Ack with one frame where the whole group is settled: every earlier group was settled before it.

        What could not be settled ends the subscription, so that no later ack covers it and the broker redelivers it.
        """
        if not group:
            return
        last = group[-1]
        if len(settled) == len(group) and group[0].subscription is last.subscription and not last.subscription.has_gaps:
            await last.subscription.ack(last.incoming.tag, multiple=True)
            return
        for held in settled:
            await held.ack()
        for held in _without(group, settled):
            held.subscription.lost.set()


def _without(group: Sequence[Held], settled: Sequence[Held]) -> list[Held]:
    gone = {id(held) for held in settled}
    return [held for held in group if id(held) not in gone]


def _aligned(results: Any, count: int) -> Sequence[Any]:
    if results is None:
        return [None] * count
    if len(results) != count:
        raise TypeError(f"a batch handler answered {len(results)} results for {count} messages")
    return list(results)
