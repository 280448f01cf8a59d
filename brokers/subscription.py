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

    Acks after the channel's end are counted and dropped: the broker has already given those messages to somebody else.
    A consumer that the broker cancels, because its queue was deleted, has not lost what it holds: it is acted on, and
    may still be acked.
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
        self.cancelled = asyncio.Event()  # by the broker
        self.has_gaps = False  # something was put aside, so that an ack of many would cover it too

    @classmethod
    async def open(cls, link: Link, physical: str, queue: Queue) -> "Subscription":
        """Declare the queue if it is missing, on a channel of its own. Raises Unavailable while the broker is away."""
        subscription = cls(await link.channel(), physical, queue)
        try:
            await subscription._asked(subscription._declare())
        except Unavailable:
            await subscription.close()
            raise
        return subscription

    async def take(self) -> aiormq.abc.DeliveredMessage | None:
        """Take the message at the queue's head, or None. Raises Unavailable while the broker is away."""
        message: aiormq.abc.DeliveredMessage = await self._asked(self._channel.basic_get(self._physical))
        return message if isinstance(message.delivery, spec.Basic.GetOk) else None

    async def consume(self, prefetch: int, on_message: OnMessage) -> None:
        """Ask for the queue's messages from now on. Raises Unavailable while the broker is away."""
        await self._asked(self._begin(prefetch, on_message))

    @property
    def is_live(self) -> bool:
        """Whether acks still count."""
        return not self.lost.is_set() and not self._channel.is_closed

    @property
    def is_consuming(self) -> bool:
        """Whether deliveries may still come."""
        return self.is_live and bool(self._tag) and not self.cancelled.is_set()

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
        if not self.is_consuming:
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

    async def _asked(self, request: Coroutine[Any, Any, Any]) -> Any:
        try:
            with told_as_broken():
                async with asyncio.timeout(OPEN_SECONDS):
                    return await request
        except BROKEN as error:
            raise Unavailable(f"cannot consume {self._physical}: {error!r}") from error

    async def _declare(self) -> None:
        self._channel.closing.add_done_callback(lambda _: self.lost.set())
        self._channel.on_consumer_cancel_callbacks.add(self._cancelled_by_broker)
        await declare.one(self._queue).apply(self._channel)

    async def _begin(self, prefetch: int, on_message: OnMessage) -> None:
        await self._channel.basic_qos(prefetch_count=prefetch)
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
        self.cancelled.set()
