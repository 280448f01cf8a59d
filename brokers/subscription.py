"""One generation of one consumer: a channel, its consumer tag and the acks that are only good on it."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import aiormq
import aiormq.abc
import structlog
from aiormq import spec

from brokers import declare, metrics
from brokers.link import BROKEN, CLOSE_SECONDS, Link, leave, told_as_broken
from brokers.queue import Queue
from brokers.verdict import Unavailable

log = structlog.get_logger()

OPEN_SECONDS = 15.0

# A quorum queue hands a consumer's messages to the channel on their own way. One that is on it when the consumer is
# cancelled goes back as a failed delivery, and an ack that is on it when the channel closes is forgotten. Measured on
# 3.10.8 with 20,000 messages and 40 cancels under load: 733 counted and 60 redelivered; with these two pauses, 4 and 0.
QUIET_SECONDS = 0.1
SETTLE_SECONDS = 0.1
QUIET_AT_MOST = 1.0

OnMessage = Callable[["Subscription", aiormq.abc.DeliveredMessage], Coroutine[Any, Any, None]]


class Subscription:
    """Consumes one physical queue until its channel closes, the broker cancels it or we do.

    Acks after the end are counted and dropped: the broker has already given those messages to somebody else.
    """

    def __init__(self, channel: aiormq.Channel, physical: str, queue: Queue) -> None:
        self._channel = channel
        self._physical = physical
        self._queue = queue
        self._tag = ""
        self._loop = asyncio.get_running_loop()
        self._arrived_at = 0.0
        self._acked_at = 0.0
        self._held_acks: list[tuple[int, bool]] | None = None
        self.lost = asyncio.Event()

    @classmethod
    async def open(
        cls, link: Link, physical: str, queue: Queue, prefetch: int, on_message: OnMessage
    ) -> "Subscription":
        """Declare the queue if it is missing, then consume it. Raises Unavailable while the broker is away."""
        channel = await link.channel()
        subscription = cls(channel, physical, queue)
        try:
            with told_as_broken():
                async with asyncio.timeout(OPEN_SECONDS):
                    await subscription._begin(prefetch, on_message)
        except BROKEN as error:
            await subscription.close()
            raise Unavailable(f"cannot consume {physical}: {error!r}") from error
        return subscription

    @property
    def is_live(self) -> bool:
        """Whether deliveries may still come and acks still count."""
        return not self.lost.is_set() and not self._channel.is_closed

    async def ack(self, tag: int, *, multiple: bool = False) -> None:
        """Tell the broker that a message, or all up to it, is dealt with."""
        if self._held_acks is not None:
            self._held_acks.append((tag, multiple))
            return
        if self._channel.is_closed:
            metrics.stale_acks.labels(self._queue.name).inc()
            return
        self._acked_at = self._loop.time()
        try:
            await self._channel.basic_ack(tag, multiple=multiple, wait=False)
        except BROKEN:
            metrics.stale_acks.labels(self._queue.name).inc()

    async def give_back(self, tag: int) -> None:
        """Return an untouched message to the queue."""
        if not self._channel.is_closed:
            await self._channel.basic_nack(tag, requeue=True, wait=False)

    async def cancel(self) -> None:
        """Ask for no more deliveries; what was already sent still arrives before this returns.

        Acks are held back first, so that the window fills and nothing is on its way when the consumer goes.
        """
        if not self.is_live:
            return
        self._held_acks = []
        try:
            await self._quiet()
            with told_as_broken():
                await self._channel.basic_cancel(self._tag, timeout=CLOSE_SECONDS)
        except BROKEN as error:
            log.debug("cancel_failed", queue=self._physical, error=repr(error))
        await asyncio.sleep(0)  # lets the last callbacks run, which the channel has started as tasks
        held, self._held_acks = self._held_acks, None
        for tag, multiple in held:
            await self.ack(tag, multiple=multiple)

    async def close(self) -> None:
        """Close the channel; whatever is unacked goes back to the queue."""
        if self.is_live:
            await asyncio.sleep(max(self._acked_at + SETTLE_SECONDS - self._loop.time(), 0))
        self.lost.set()
        await leave(self._channel)

    async def _begin(self, prefetch: int, on_message: OnMessage) -> None:
        await declare.one(self._queue).apply(self._channel)
        await self._channel.basic_qos(prefetch_count=prefetch)
        self._channel.closing.add_done_callback(lambda _: self.lost.set())
        self._channel.on_consumer_cancel_callbacks.add(self._cancelled_by_broker)
        answer = await self._channel.basic_consume(self._physical, partial(self._on_message, on_message))
        self._tag = str(answer.consumer_tag)

    async def _on_message(self, on_message: OnMessage, message: aiormq.abc.DeliveredMessage) -> None:
        self._arrived_at = self._loop.time()
        await on_message(self, message)

    async def _quiet(self) -> None:
        """Wait until no delivery has come for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET_AT_MOST):
                # An event could tell of arrivals, but what is waited for is their absence.
                while (pause := self._arrived_at + QUIET_SECONDS - self._loop.time()) > 0:  # noqa: ASYNC110
                    await asyncio.sleep(pause)

    async def _cancelled_by_broker(self, frame: spec.Basic.Cancel) -> None:
        log.warning("consumer_cancelled_by_broker", queue=self._physical, tag=frame.consumer_tag)
        self.lost.set()
