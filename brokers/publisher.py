"""Publishing that is never lost once it returns: pipelined confirms with a deadline, on a connection of its own."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import aiormq
import structlog
from aiormq import spec
from aiormq.exceptions import DeliveryError, PublishError

from brokers import metrics
from brokers.link import Link, told_as_broken
from brokers.outgoing import Outgoing
from brokers.verdict import Reject, Unavailable

log = structlog.get_logger()

IN_FLIGHT = 1000  # unconfirmed at once; more adds latency and no throughput on a quorum queue
CONFIRM_WITHIN = timedelta(seconds=10)
PERSISTENT = 2


class Unroutable(Reject):
    """No queue wanted the message, and its exchange keeps no strays."""


class Publisher:
    """Publishes with `mandatory` and confirms, many in flight on one channel.

    A confirm that does not come in time makes the whole channel suspect, so the channel is retired: whatever else was
    in flight on it is reported unconfirmed too, and the next publish opens a new one.
    """

    def __init__(self, link: Link, *, confirm_within: timedelta = CONFIRM_WITHIN, in_flight: int = IN_FLIGHT) -> None:
        self._link = link
        self._deadline = confirm_within.total_seconds()
        self._window = asyncio.Semaphore(in_flight)
        self._opening = asyncio.Lock()
        self._channel: aiormq.Channel | None = None
        self._retirements: set[asyncio.Task[None]] = set()

    async def publish(self, message: Outgoing) -> None:
        """Return once the broker has confirmed `message`.

        Raises Unavailable if it did not (the caller may publish again under the same message id), Unroutable if the
        broker had no queue for it.
        """
        async with self._window:
            channel = await self._open()
            with metrics.publish_seconds.time():
                await self._confirmed(channel, message)

    async def publish_many(self, messages: Sequence[Outgoing]) -> list[Exception | None]:
        """Publish in order, all in flight together; the answer holds one outcome a message, None for confirmed."""
        outcomes = await asyncio.gather(*map(self.publish, messages), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
                raise outcome
        return outcomes  # type: ignore[return-value] # what is not an Exception was raised above

    async def probe(self) -> None:
        """Raise Unavailable unless the broker could take a message now."""
        await self._open()

    async def close(self) -> None:
        """Close the connection; what was in flight is reported unconfirmed."""
        await self._link.close()

    async def _open(self) -> aiormq.Channel:
        channel = self._channel
        if channel is not None and not channel.is_closed:
            return channel
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._link.channel(confirms=True)
            return self._channel

    async def _confirmed(self, channel: aiormq.Channel, message: Outgoing) -> None:
        try:
            with told_as_broken():
                await channel.basic_publish(
                    message.body,
                    exchange=message.exchange,
                    routing_key=message.key,
                    properties=properties(message),
                    mandatory=True,
                    timeout=self._deadline,
                    wait=False,
                )
        except PublishError as error:
            metrics.publishes.labels("returned").inc()
            raise Unroutable(f"nothing is bound to {message.exchange} for {message.key}") from error
        except DeliveryError as error:
            metrics.publishes.labels("unconfirmed").inc()
            raise Unavailable(f"the broker refused {message.key} (nack)") from error
        except Exception as error:  # aiormq fails waiters of a dying channel with whatever killed it
            metrics.publishes.labels("unconfirmed").inc()
            self._retire(channel)
            raise Unavailable(f"{message.key} was not confirmed: {error!r}") from error
        metrics.publishes.labels("confirmed").inc()

    def _retire(self, channel: aiormq.Channel) -> None:
        """Never publish on this channel again, and close it behind the caller's back."""
        if self._channel is not channel:
            return
        self._channel = None
        log.warning("publish_channel_retired", link=self._link.name)
        task = asyncio.create_task(self._close_channel(channel))
        self._retirements.add(task)
        task.add_done_callback(self._retirements.discard)

    async def _close_channel(self, channel: aiormq.Channel) -> None:
        try:
            with told_as_broken():
                async with asyncio.timeout(self._deadline):
                    await channel.close()
        except Exception as error:  # noqa: BLE001 - a channel this broken goes with its connection
            log.debug("retired_channel_close_failed", error=repr(error))
            await self._link.close()


def properties(message: Outgoing) -> spec.Basic.Properties:
    """Return the AMQP properties of an outgoing message; every message of ours is persistent JSON."""
    headers: dict[str, Any] = {"x-first-seen": message.timestamp.isoformat(timespec="milliseconds"), **message.headers}
    return spec.Basic.Properties(
        app_id="mesh",
        content_type="application/json",
        correlation_id=message.correlation_id,
        delivery_mode=PERSISTENT,
        headers=headers,
        message_id=message.message_id,
        message_type=message.type,
        reply_to=message.reply_to,
        timestamp=message.timestamp,
    )
