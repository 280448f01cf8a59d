"""Frames off the wire, all that one read brings, with the two that make up a delivery decoded by hand.

aiormq reads a frame in three steps and leaves it to pamqp, which looks at one argument after the other: together three
fifths of what a consumed message cost. Layout: https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf, section 4.2.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import aiormq
import aiormq.connection
import pamqp.frame
from aiormq.connection import ReceivedFrame
from aiormq.exceptions import AMQPConnectionError, InvalidFrameError
from pamqp import decode
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.exceptions import PAMQPException
from pamqp.header import ContentHeader

#: More at once would only wait here instead of in the socket.
CHUNK = 128 * 1024

_METHOD, _HEADER, _BODY, _END = 1, 2, 3, 0xCE
_OVERHEAD = 8  # bytes of a frame around its payload
_HEAD = struct.Struct(">BHI")  # type, channel, size of the payload
_DELIVER = struct.pack(">HH", 60, 60)  # class basic, method deliver
_CONTENT = struct.Struct(">HHQH")  # class, weight, size of the body, which properties follow
_DELIVERY = struct.Struct(">QB")  # tag, whether redelivered
_MORE_FLAGS = 1

#: A property's bit, and how its value is read; in the order of the bits, the highest first.
_PROPERTIES = tuple(
    (flag, name, getattr(Basic.Properties, f"_{name}"))
    for name, flag in sorted(Basic.Properties.flags.items(), key=lambda item: -item[1])
)


class Frames(aiormq.connection.FrameReceiver):
    """Reads whatever has come, and returns it frame by frame."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self._read = b""
        self._at = 0

    async def get_frame(self) -> ReceivedFrame:
        """Return the next frame; raises AMQPConnectionError where the link ends, InvalidFrameError for none of AMQP."""
        while (frame := self._whole()) is None:
            await self._more()
        return frame

    def _whole(self) -> ReceivedFrame | None:
        data, at = self._read, self._at
        if len(data) - at < _OVERHEAD:
            return None
        kind, channel, size = _HEAD.unpack_from(data, at)
        end = at + size + _OVERHEAD
        if len(data) < end:
            return None
        self._at = end
        try:
            return _decoded(kind, channel, data[at:end])
        except (PAMQPException, struct.error, ValueError, IndexError) as error:
            raise InvalidFrameError(str(error)) from error

    async def _more(self) -> None:
        try:
            chunk = await self.reader.read(CHUNK)
        except OSError as error:
            raise AMQPConnectionError(f"Server communication error: {error!r}") from error
        if not chunk:
            raise AMQPConnectionError("Server connection unexpectedly closed")
        self._read = self._read[self._at :] + chunk
        self._at = 0


class Connection(aiormq.Connection):
    """A connection that reads so once it stands."""

    async def _Connection__reader(self, receiver: aiormq.connection.FrameReceiver) -> None:  # noqa: N802 - aiormq's name
        """Take the place of aiormq's own private method: there is no other way in."""
        await super()._Connection__reader(Frames(receiver.reader))  # type: ignore[misc]


def _decoded(kind: int, channel: int, frame: bytes) -> ReceivedFrame:
    if frame[-1] == _END:
        if kind == _BODY:
            return len(frame), channel, ContentBody(frame[7:-1])
        if kind == _HEADER and not frame[20] & _MORE_FLAGS:
            return len(frame), channel, _header(frame)
        if kind == _METHOD and frame[7:11] == _DELIVER:
            return len(frame), channel, _delivery(frame)
    return pamqp.frame.unmarshal(frame)


def _delivery(frame: bytes) -> Basic.Deliver:
    """Read a delivery past its constructor, which refuses names of exchanges that the broker allows."""
    found = Basic.Deliver.__new__(Basic.Deliver)
    text: Callable[[bytes], tuple[int, Any]] = decode.METHODS["shortstr"]
    used, found.consumer_tag = text(frame[11:])
    at = 11 + used
    found.delivery_tag, redelivered = _DELIVERY.unpack_from(frame, at)
    found.redelivered = bool(redelivered & 1)
    at += _DELIVERY.size
    used, found.exchange = text(frame[at:])
    _, found.routing_key = text(frame[at + used :])
    return found


def _header(frame: bytes) -> ContentHeader:
    class_id, weight, size, flags = _CONTENT.unpack_from(frame, 7)
    properties = Basic.Properties()
    rest = frame[21:-1]
    methods = decode.METHODS
    for flag, name, kind in _PROPERTIES:
        if flags & flag:
            used, value = methods[kind](rest)
            setattr(properties, name, value)
            rest = rest[used:]
    header = ContentHeader(weight, size, properties)
    header.class_id = class_id
    return header
