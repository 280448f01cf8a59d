"""Keeps one physical queue consumed for as long as the process lives, whatever happens to broker, link or channel."""

import asyncio
from datetime import timedelta
from typing import Any

import aiormq.abc
import structlog
from pydantic import TypeAdapter

from brokers import metrics
from brokers.attempt import Attempt, Handler
from brokers.batch import GroupWork
from brokers.breaker import Breaker, Probe
from brokers.courier import Courier
from brokers.held import Held
from brokers.incoming import incoming
from brokers.link import Link
from brokers.queue import Queue
from brokers.single import SingleWork
from brokers.sizing import Sizing
from brokers.subscription import Subscription
from brokers.verdict import Unavailable
from brokers.work import Work
from schemas.clock import Clock

log = structlog.get_logger()

SHORTEST_PAUSE = 0.1
LONGEST_PAUSE = 3.0  # a broker that is back is noticed within this
IDLE_LOOK = 0.005


class Consumer:
    """Owns the whole life of a consumer: declare, consume, notice its loss, begin again, drain."""

    def __init__(
        self, queue: Queue, physical: str, handler: Handler, *, link: Link, courier: Courier, probe: Probe, clock: Clock
    ) -> None:
        self.queue = queue
        self.physical = physical
        self._link = link
        self._clock = clock
        self._adapter: TypeAdapter[Any] = TypeAdapter(queue.message)
        self._breaker = Breaker(queue.name, probe)
        self._stopping = asyncio.Event()
        self._giving_up = asyncio.Event()  # set once no more deliveries come, so that what is given back stays away
        self._subscription: Subscription | None = None
        self._sizing = Sizing(queue.prefetch)
        self._misfit = asyncio.Event()
        self._received = metrics.received.labels(queue.name)
        self._work = self._working(handler, courier)

    @property
    def is_consuming(self) -> bool:
        """Whether this process believes that the broker sends it this queue's messages."""
        return self._subscription is not None and self._subscription.is_live

    @property
    def prefetch(self) -> int:
        """How many messages the broker may send ahead, for the size they have."""
        return self._sizing.prefetch

    @property
    def is_waiting(self) -> bool:
        """Whether a dependency is away, so that not consuming is as it should be."""
        return self._breaker.is_open

    def rebuild(self, reason: str) -> None:
        """Give up the present subscription; `run` opens another."""
        if self._subscription is not None:
            log.warning("consumer_rebuilt", queue=self.physical, reason=reason)
            self._subscription.lost.set()

    async def run(self, drain_within: timedelta) -> None:
        """Consume until `stop()`, then drain; what is not finished within `drain_within` goes back to the queue."""
        self._work.start()
        pause = SHORTEST_PAUSE
        while not self._stopping.is_set():
            try:
                await self._consume_until_lost(drain_within)
                pause = SHORTEST_PAUSE
            except Unavailable as error:
                log.warning("consumer_waits", queue=self.physical, reason=str(error), seconds=pause)
            if not self._stopping.is_set():
                await self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        await self._work.stop()
        await self._breaker.stop()

    def stop(self) -> None:
        """Begin to drain."""
        self._stopping.set()

    async def _consume_until_lost(self, drain_within: timedelta) -> None:
        if self._breaker.is_open:
            await self._first(self._breaker.closed())
            return
        subscription = await Subscription.open(self._link, self.physical, self.queue, self.prefetch, self._on_message)
        self._subscription = subscription
        self._work.gives_back_by_nack = bool(self.queue.partitions) or self._link.gives_back_by_nack
        log.info("consuming", queue=self.physical, prefetch=self.prefetch)
        try:
            self._misfit.clear()
            await self._first(subscription.lost.wait(), self._misfit.wait())
            if self._misfit.is_set() and not self._stopping.is_set():
                await self._resize(subscription)
            if self._stopping.is_set():
                await self._drain(subscription, drain_within)
        finally:
            await subscription.close()

    async def _drain(self, subscription: Subscription, within: timedelta) -> None:
        await subscription.cancel()
        self._giving_up.set()
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._work.drain()
        except TimeoutError:
            log.warning("drain_deadline", queue=self.physical, seconds=within.total_seconds())
        log.info("drained", queue=self.physical)

    async def _on_message(self, subscription: Subscription, message: aiormq.abc.DeliveredMessage) -> None:
        """Read and validate a delivery as it arrives, while the transaction of an earlier group waits for SQL."""
        self._received.inc()
        arrived = incoming(message, self.queue, self.physical, self._clock())
        self._work.accept(Held(arrived, subscription, self._adapter))
        if self._sizing.note(len(message.body)):
            self._misfit.set()

    async def _resize(self, subscription: Subscription) -> None:
        """Consume again with a prefetch that fits the messages, once what is held has been worked through."""
        await subscription.cancel()
        # Once in a process's life, so a look now and then is cheaper than an event on the hot path.
        while not (self._work.is_idle or subscription.lost.is_set() or self._stopping.is_set()):  # noqa: ASYNC110
            await asyncio.sleep(IDLE_LOOK)
        self._sizing.settle()

    async def _first(self, *awaitables: Any) -> None:
        """Wait for the first of several things, or for `stop()`."""
        tasks = {asyncio.ensure_future(awaitable) for awaitable in (*awaitables, self._stopping.wait())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def _pause(self, seconds: float) -> None:
        await self._first(asyncio.sleep(seconds))

    def _working(self, handler: Handler, courier: Courier) -> Work:
        attempt = Attempt(self.queue.name, handler, self._breaker, self._giving_up)
        by_nack = bool(self.queue.partitions)
        if self.queue.batch is not None:
            return GroupWork(attempt, courier, self.queue.batch, gives_back_by_nack=by_nack)
        return SingleWork(attempt, courier, self.queue.concurrency, self.queue.key_of, gives_back_by_nack=by_nack)
