"""Keeps one physical queue consumed for as long as the process lives, whatever happens to broker, link or channel."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
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
from brokers.incoming import Incoming, incoming
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

#: What has begun is waited for so long before a partition is given up; what hangs longer keeps it.
GIVE_WAY_WITHIN = timedelta(seconds=1)

# Two resets of all connections may meet one message by chance; what was in hand at three deaths may be their cause.
SUSPECT_AFTER = 3


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
        self._suspicion = asyncio.Event()
        self._aside: list[tuple[Subscription, Incoming]] = []
        self._is_stepping = False
        self._gives_way = asyncio.Event()
        self._is_giving_way = False
        self.taken = 0  # messages so far
        self.kept_at = float("-inf")  # when it last could not give way in time, by the loop's clock
        self._is_over = False
        self._ending: set[asyncio.Task[None]] = set()
        self._received = metrics.received.labels(queue.name)
        self._work = self._working(handler, courier)

    @property
    def is_consuming(self) -> bool:
        """Whether this process believes that the broker sends it this queue's messages."""
        return self._subscription is not None and self._subscription.is_consuming

    @property
    def prefetch(self) -> int:
        """How many messages the broker may send ahead, for the size they have."""
        return self._sizing.prefetch

    @property
    def is_waiting(self) -> bool:
        """Whether not consuming is as it should be: a dependency is away, or suspects are gone through one by one."""
        return self._breaker.is_open or self._is_stepping or self._is_giving_way

    def give_way(self) -> None:
        """Let another process have this partition: finish what has begun, give the rest back, stand in line again."""
        self._gives_way.set()

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
        if self._ending:
            await self._drain_the_rest(drain_within)
        await self._work.stop()
        await self._breaker.stop()

    def stop(self) -> None:
        """Begin to drain."""
        self._stopping.set()

    async def _consume_until_lost(self, drain_within: timedelta) -> None:
        if self._breaker.is_open:
            await self._first(self._breaker.closed())
            return
        subscription = await Subscription.open(self._link, self.physical, self.queue)
        self._subscription = subscription
        self._work.gives_back_by_nack = bool(self.queue.partitions) or self._link.gives_back_by_nack
        self._misfit.clear()
        self._suspicion.clear()
        self._aside.clear()
        try:
            await self._step_through_suspects(subscription)
            if not self._stopping.is_set():
                await self._consume(subscription)
            if self._stopping.is_set():
                await subscription.cancel()
                await self._drain(drain_within)
        finally:
            ending = self._end(subscription)
            if not subscription.cancelled.is_set():
                await ending
            self._work.resume()

    async def _consume(self, subscription: Subscription) -> None:
        """Let deliveries come until something must change."""
        await subscription.consume(self.prefetch, self._on_message)
        log.info("consuming", queue=self.physical, prefetch=self.prefetch)
        self._is_giving_way = False
        changes = (subscription.lost, subscription.cancelled, self._misfit, self._suspicion)
        while not self._is_giving_way and not any(each.is_set() for each in (*changes, self._stopping)):
            await self._first(*(each.wait() for each in (*changes, self._gives_way)))
            if self._gives_way.is_set():
                self._gives_way.clear()
                # Only once nothing is in hand does the channel close, so that nobody has the next of a key before.
                self._is_giving_way = await self._work.paused(GIVE_WAY_WITHIN)
                if not self._is_giving_way:
                    self.kept_at = asyncio.get_running_loop().time()
                log.info("partition_given_way", queue=self.physical, is_given=self._is_giving_way)
        if self._is_giving_way or self._stopping.is_set():
            return
        if self._misfit.is_set() or self._suspicion.is_set():
            await self._work_through(subscription)
            await self._step_through_aside(subscription)
            self._sizing.settle()

    async def _step_through_suspects(self, subscription: Subscription) -> None:
        """Take what may have killed consumers one by one with nothing else in hand, before consuming.

        Every death of a consumer counts against all that it holds, so that a message which kills would otherwise take
        innocent ones with it to the delivery limit.
        """
        if self.queue.partitions:  # they have one active consumer, and RabbitMQ lets nobody take a message past it
            return
        try:
            while not self._stopping.is_set() and (message := await subscription.take()):
                arrived = incoming(message, self.queue, self.physical, self._clock())
                self._accept(subscription, arrived)
                if arrived.failures < SUSPECT_AFTER:
                    return
                if not self._is_stepping:
                    log.warning("suspects_one_by_one", queue=self.physical, failures=arrived.failures)
                self._is_stepping = True
                await self._work_through(subscription)
        finally:
            self._is_stepping = False

    async def _step_through_aside(self, subscription: Subscription) -> None:
        """Take the suspects that came to a working consumer one by one, now that nothing else is in hand.

        In any order: those that are gone through before the one that kills are safe from it, so that the innocent ones
        get fewer with each death.
        """
        try:
            random.shuffle(self._aside)
            while self._aside and subscription.is_live and not self._stopping.is_set():
                self._is_stepping = True
                self._accept(*self._aside.pop())
                await self._work_through(subscription)
        finally:
            self._is_stepping = False

    def _end(self, subscription: Subscription) -> asyncio.Task[None]:
        """Close a subscription; one that the broker cancelled once nothing is held that may still be acked on it."""
        task = asyncio.create_task(self._close_when_done(subscription))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task

    async def _close_when_done(self, subscription: Subscription) -> None:
        if subscription.cancelled.is_set():
            await self._until(
                lambda: subscription.lost.is_set() or self._is_over or not self._work.holds_of(subscription)
            )
        await subscription.close()

    async def _drain(self, within: timedelta) -> None:
        self._giving_up.set()
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._work.drain()
        except TimeoutError:
            log.warning("drain_deadline", queue=self.physical, seconds=within.total_seconds())
        self._is_over = True
        log.info("drained", queue=self.physical)

    async def _drain_the_rest(self, within: timedelta) -> None:
        """Finish what is held of a queue that was deleted a moment ago, which exists again for what is given back."""
        with suppress(Unavailable):
            await (await Subscription.open(self._link, self.physical, self.queue)).close()
        await self._drain(within)
        await asyncio.gather(*self._ending)

    async def _on_message(self, subscription: Subscription, message: aiormq.abc.DeliveredMessage) -> None:
        """Read and validate a delivery as it arrives, while the transaction of an earlier group waits for SQL."""
        arrived = incoming(message, self.queue, self.physical, self._clock())
        if arrived.failures >= SUSPECT_AFTER and not self.queue.partitions:
            self._put_aside(subscription, arrived)
        else:
            self._accept(subscription, arrived)

    def _put_aside(self, subscription: Subscription, arrived: Incoming) -> None:
        """Keep a suspect until all else has been worked through; given back, it would go from consumer to consumer."""
        if not self._suspicion.is_set():
            log.warning("suspects_one_by_one", queue=self.physical, failures=arrived.failures)
        subscription.has_gaps = True
        self._aside.append((subscription, arrived))
        self._suspicion.set()

    def _accept(self, subscription: Subscription, arrived: Incoming) -> None:
        self._received.inc()
        self.taken += 1
        if arrived.is_redelivered:
            metrics.redelivered.labels(self.queue.name).inc()
            log.debug(
                "message_redelivered", queue=self.physical, message_id=arrived.message_id, failures=arrived.failures
            )
        self._work.accept(Held(arrived, subscription, self._adapter))
        if self._sizing.note(len(arrived.body)):
            self._misfit.set()

    async def _work_through(self, subscription: Subscription) -> None:
        """Take no more, and wait until what is held has been worked through."""
        await subscription.cancel()
        await self._until(lambda: self._work.is_idle or subscription.lost.is_set() or self._stopping.is_set())

    async def _until(self, condition: Callable[[], bool]) -> None:
        # These waits are rare, so a look now and then is cheaper than an event on the hot path.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(IDLE_LOOK)

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
