"""A publisher that sends whatever bytes it is told to: what no client library would let through, a broker takes."""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from pamqp import commands, frame

FRAME_MAX = 131_072  # what RabbitMQ offers; a header frame has to fit into one
WINDOW = 500  # messages that wait for their confirm
ENDING = 0xCE

#: The basic properties in the order of the wire, by the name that the specification gives them.
PROPERTIES = (
    "content_type",
    "content_encoding",
    "headers",
    "delivery_mode",
    "priority",
    "correlation_id",
    "reply_to",
    "expiration",
    "message_id",
    "timestamp",
    "type",
    "user_id",
    "app_id",
)
_METHOD, _HEADER, _BODY = 1, 2, 3
_BASIC, _PUBLISH, _ACK = 60, 40, 80


class Refused(AssertionError):
    """The broker closed the channel or the connection: the bytes were no AMQP, which is the test's own fault."""


@dataclass(frozen=True, slots=True)
class Raw:
    """One message as bytes; `properties` are encoded values by name."""

    body: bytes
    exchange: bytes = b""
    key: bytes = b""
    properties: Mapping[str, bytes] = field(default_factory=dict)


def short(value: bytes) -> bytes:
    """Encode a short string, valid UTF-8 or not."""
    return struct.pack(">B", len(value)) + value


def table(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Encode a field table from keys and values that are encoded already, with their type; keys may repeat."""
    inner = b"".join(short(key) + value for key, value in entries)
    return struct.pack(">I", len(inner)) + inner


def long(value: bytes) -> bytes:
    """Encode a long string as a field value."""
    return b"S" + struct.pack(">I", len(value)) + value


def nested(levels: int) -> bytes:
    """Encode tables inside one another as a field value."""
    value = b"V"
    for _ in range(levels):
        value = b"F" + table([(b"n", value)])
    return value


class RawPublisher:
    """Publishes in bulk with confirms; remembers how many were refused."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._sent = 0
        self._unconfirmed: set[int] = set()  # queues confirm at their own pace, so a later tag may come first
        self._moved = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def begin(self, user: str, password: str, vhost: str) -> None:
        self._writer.write(b"AMQP\x00\x00\x09\x01")
        await self._next(10)
        login = f"\0{user}\0{password}"
        self._say(commands.Connection.StartOk({}, "PLAIN", login, "en_US"), 0)
        await self._next(10)
        self._say(commands.Connection.TuneOk(8, FRAME_MAX, 0), 0)
        self._say(commands.Connection.Open(vhost), 0)
        await self._next(10)
        self._say(commands.Channel.Open(), 1)
        await self._next(20)
        self._say(commands.Confirm.Select(), 1)
        await self._next(85)
        self._listening = asyncio.create_task(self._listen())

    async def publish(self, messages: Iterable[Raw]) -> None:
        """Return once the broker has confirmed every message."""
        for message in messages:
            while len(self._unconfirmed) >= WINDOW:
                await self._confirm()
            self._writer.write(_frames(message))
            self._sent += 1
            self._unconfirmed.add(self._sent)
            if self._sent % 50 == 0:
                await self._writer.drain()
        while self._unconfirmed:
            await self._confirm()

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        self._writer.close()

    async def _confirm(self) -> None:
        assert self._listening is not None
        self._moved.clear()
        waiting = asyncio.ensure_future(self._moved.wait())
        await asyncio.wait({waiting, self._listening}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._listening.done():
            self._listening.result()

    async def _listen(self) -> None:
        while True:
            kind, payload = await self._frame()
            if kind != _METHOD:
                continue
            family, method = struct.unpack(">HH", payload[:4])
            if (family, method) == (_BASIC, _ACK):
                tag, multiple = struct.unpack(">QB", payload[4:13])
                confirmed = {each for each in self._unconfirmed if each <= tag} if multiple else {tag}
                self._unconfirmed -= confirmed
                self._moved.set()
            else:
                raise Refused(f"method {family}.{method}: {payload[4:]!r}")

    def _say(self, method: object, channel: int) -> None:
        self._writer.write(frame.marshal(method, channel))  # type: ignore[arg-type]

    async def _next(self, family: int) -> None:
        kind, payload = await self._frame()
        (said,) = struct.unpack(">H", payload[:2])
        if kind != _METHOD or said != family or (said == 10 and payload[2:4] == b"\x00\x32"):
            raise Refused(repr(payload))

    async def _frame(self) -> tuple[int, bytes]:
        kind, _, size = struct.unpack(">BHI", await self._reader.readexactly(7))
        payload = await self._reader.readexactly(size + 1)
        return kind, payload[:-1]


@asynccontextmanager
async def raw_publisher(url: str) -> AsyncIterator[RawPublisher]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    publisher = RawPublisher(reader, writer)
    try:
        await publisher.begin(parts.username or "", parts.password or "", unquote(parts.path.removeprefix("/")) or "/")
        yield publisher
    finally:
        await publisher.close()


def _frames(message: Raw) -> bytes:
    method = struct.pack(">HHH", _BASIC, _PUBLISH, 0) + short(message.exchange) + short(message.key) + b"\0"
    flags = sum(1 << (15 - place) for place, name in enumerate(PROPERTIES) if name in message.properties)
    values = b"".join(message.properties[name] for name in PROPERTIES if name in message.properties)
    header = struct.pack(">HHQH", _BASIC, 0, len(message.body), flags) + values
    assert len(header) + 8 <= FRAME_MAX
    step = FRAME_MAX - 8
    bodies = [_frame(_BODY, message.body[at : at + step]) for at in range(0, len(message.body), step)]
    return b"".join([_frame(_METHOD, method), _frame(_HEADER, header), *bodies])


def _frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, 1, len(payload)) + payload + bytes([ENDING])
