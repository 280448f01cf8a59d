"""A channel that publishes messages as bytes, many in one write, and hears what becomes of them.

aiormq's own publish takes a task's turn, three frames, two futures and a timeout for each message, which is most of
what a process that publishes thousands a second does. Only its hooks for confirms and returns are taken over here.
"""

import asyncio
import re
from typing import cast

import aiormq
import structlog
from aiormq import spec
from aiormq.abc import AbstractConnection, ChannelFrame, ConfirmationFrameType
from aiormq.exceptions import ChannelNotFoundEntity
from pamqp.header import ContentHeader

from brokers.frames import UNENCODABLE, frames
from brokers.unconfirmed import Group, Unconfirmed
from brokers.verdict import Reject

log = structlog.get_logger()

_NO_EXCHANGE = re.compile(r"no exchange '(.*)' in vhost", re.DOTALL)


class Unsendable(Reject):
    """AMQP cannot carry the message: its key is too long, or a header is of no known type."""


class Pipeline(aiormq.Channel):
    """A channel in confirm mode; what is in flight when it ends, for whatever reason, is reported unconfirmed.

    Publish with `send` only: the delivery tags are counted here.
    """

    unconfirmed: Unconfirmed
    _unwritten: list[bytes]
    _writing: "asyncio.Future[None] | None"

    @classmethod
    async def on(cls, connection: AbstractConnection, in_flight: int) -> "Pipeline":
        """Open one with room for that many unconfirmed messages."""
        number = max(connection.channels, default=0) + 1
        channel = cls(connection, number)
        channel.unconfirmed = Unconfirmed(in_flight)
        channel._unwritten, channel._writing = [], None
        connection.channels[number] = channel
        await channel.open()
        channel.closing.add_done_callback(channel._ended)
        return channel

    def send(self, group: Group) -> None:
        """Begin to publish messages, in order; what cannot be encoded is settled at once, and sent it is not."""
        for index, message in enumerate(group.messages):
            try:
                raw = frames(message, self.number, self.max_content_size)
            except UNENCODABLE as error:
                group.settle(index, Unsendable(f"{message.key} cannot be sent: {error}"))
            else:
                self._unwritten.append(raw)
                self.unconfirmed.add(group, index)
        if self._unwritten and (self._writing is None or self._writing.done()):
            self._writing = cast("asyncio.Future[None]", self.create_task(self._write()))

    async def _write(self) -> None:
        """Write what there is in one piece; what others send meanwhile is the next piece."""
        try:
            while self._unwritten:
                payload = b"".join(self._unwritten)
                self._unwritten.clear()
                drained = self.create_future()
                await self.write_queue.put(ChannelFrame(payload, should_close=False, drain_future=drained))
                await drained
        except Exception as error:  # noqa: BLE001 - aiormq ends waiters with anything; those in flight hear it by `_ended`
            log.debug("write_ended", error=repr(error))

    async def _on_confirm_frame(self, frame: ConfirmationFrameType) -> None:
        is_taken, is_multiple = isinstance(frame, spec.Basic.Ack), bool(getattr(frame, "multiple", False))
        self.unconfirmed.confirm(frame.delivery_tag or 0, multiple=is_multiple, is_taken=is_taken)

    async def _on_return_frame(self, frame: spec.Basic.Return) -> None:
        header = cast("ContentHeader", await self._get_frame())
        await self._read_content(frame, header)
        self.unconfirmed.returned(header.properties.message_id, frame.exchange, frame.routing_key)

    def _ended(self, closing: "asyncio.Future[None]") -> None:
        reason = closing.cancelled() or closing.exception()
        # What was in flight beside it is tried again; it alone would close every channel that it is tried on.
        if isinstance(reason, ChannelNotFoundEntity) and (named := _NO_EXCHANGE.search(str(reason))):
            self.unconfirmed.misaddressed(named[1])
        self.unconfirmed.fail(repr(reason))
