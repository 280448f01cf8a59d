"""Publishing that is never lost once it returns: pipelined confirms with a deadline, on a connection of its own."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog

from brokers import metrics
from brokers.link import Link, told_as_broken
from brokers.outgoing import Outgoing
from brokers.pipeline import Pipeline
from brokers.unconfirmed import Group, Unroutable
from brokers.verdict import Unavailable

log = structlog.get_logger()

IN_FLIGHT = 1000  # unconfirmed at once; more adds latency and no throughput on a quorum queue
CONFIRM_WITHIN = timedelta(seconds=10)
#: Messages written and tracked together: few enough that encoding them holds up nobody for more than a millisecond or
#: two, and that the broker has the first ones to work on while the next are encoded.
AT_ONCE = 250


class Publisher:
    """Publishes with `mandatory` and confirms, many in flight on one channel.

    A confirm that does not come in time makes the whole channel suspect, so the channel is retired: whatever else was
    in flight on it is reported unconfirmed too, and the next publish opens a new one.
    """

    def __init__(self, link: Link, *, confirm_within: timedelta = CONFIRM_WITHIN, in_flight: int = IN_FLIGHT) -> None:
        self._link = link
        self._deadline = confirm_within.total_seconds()
        self._in_flight = in_flight
        self._opening = asyncio.Lock()
        self._channel: Pipeline | None = None
        self._retirements: set[asyncio.Task[None]] = set()

    async def publish(self, message: Outgoing) -> None:
        """Return once the broker has confirmed `message`.

        Raises Unavailable if it did not (the caller may publish again under the same message id), Unroutable if the
        broker had no queue for it, another Reject if AMQP cannot carry it.
        """
        (outcome,) = await self.publish_many([message])
        if outcome is not None:
            raise outcome

    async def publish_many(self, messages: Sequence[Outgoing]) -> list[Exception | None]:
        """Publish in order, all in flight together; the answer holds one outcome a message, None for confirmed.

        When the channel is lost on the way, what was not sent yet is not sent on another, so that order is kept.
        """
        if not messages:
            return []
        groups = [Group(messages[first : first + AT_ONCE]) for first in range(0, len(messages), AT_ONCE)]
        with metrics.publish_seconds.time():
            await self._publish(groups)
        outcomes = [outcome for group in groups for outcome in group.outcomes]
        _count(outcomes)
        return outcomes

    async def probe(self) -> None:
        """Raise Unavailable unless the broker could take a message now."""
        await self._open()

    async def close(self) -> None:
        """Close the connection; what was in flight is reported unconfirmed."""
        await self._link.close()

    async def _open(self) -> Pipeline:
        channel = self._channel
        if channel is not None and not channel.is_closed:
            return channel
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._link.opened(partial(Pipeline.on, in_flight=self._in_flight))
            return self._channel

    async def _publish(self, groups: Sequence[Group]) -> None:
        """Send groups and wait for the outcome of each; the deadline of one begins when it is sent."""
        loop = asyncio.get_running_loop()
        deadlines: list[asyncio.TimerHandle] = []
        try:
            channel = await self._open()
            for group in groups:
                await channel.unconfirmed.room(len(group.messages))
                if channel is not self._channel or channel.is_closed:
                    raise Unavailable("the channel was lost before")  # noqa: TRY301 - as when it cannot be opened
                channel.send(group)
                deadlines.append(loop.call_later(self._deadline, self._too_late, channel, group))
        except Unavailable as away:
            for group in groups[len(deadlines) :]:
                group.fail(away)
        for group in groups:
            await group.done
        for deadline in deadlines:
            deadline.cancel()

    def _too_late(self, channel: Pipeline, group: Group) -> None:
        if group.done.done():
            return
        self._retire(channel)
        channel.unconfirmed.fail(f"no word of it within {self._deadline:g} s")

    def _retire(self, channel: Pipeline) -> None:
        """Never publish on this channel again, and close it behind the caller's back."""
        if self._channel is not channel:
            return
        self._channel = None
        log.warning("publish_channel_retired", link=self._link.name)
        task = asyncio.create_task(self._close_channel(channel))
        self._retirements.add(task)
        task.add_done_callback(self._retirements.discard)

    async def _close_channel(self, channel: Pipeline) -> None:
        try:
            with told_as_broken():
                async with asyncio.timeout(self._deadline):
                    await channel.close()
        except Exception as error:  # noqa: BLE001 - a channel this broken goes with its connection
            log.debug("retired_channel_close_failed", error=repr(error))
            await self._link.close()


def _count(outcomes: Sequence[Exception | None]) -> None:
    """Count outcomes; most often there is one kind only."""
    if confirmed := outcomes.count(None):
        metrics.publishes.labels("confirmed").inc(confirmed)
    if confirmed < len(outcomes):
        returned = sum(isinstance(outcome, Unroutable) for outcome in outcomes)
        metrics.publishes.labels("returned").inc(returned)
        metrics.publishes.labels("unconfirmed").inc(len(outcomes) - confirmed - returned)
