"""A message as the bytes of its AMQP 0-9-1 frames, encoded by hand because a publisher does little else.

What does not vary (the method frame of a key, the names of headers) is encoded once. Layout:
https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf, sections 2.3.5 and 4.2; numbers and other rare
values of header fields are left to pamqp, which knows RabbitMQ's dialect of types.
"""

import struct
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pamqp import encode

from brokers.outgoing import Outgoing

#: What an encoder raises for a value that the format has no room for.
UNENCODABLE = (struct.error, TypeError, ValueError, OverflowError)

_METHOD, _HEADER, _BODY = 1, 2, 3
_END = b"\xce"
_MANDATORY = b"\x01"
_SMALLEST_FRAME = 4096  # bytes that every peer takes
_LONGEST = 255  # bytes of a short string: its length is one byte

_FRAME = struct.Struct(">BHI")  # type, channel, bytes of payload
_PUBLISH = struct.pack(">HHH", 60, 40, 0)  # class basic, method publish, a field nobody uses
_CONTENT = struct.Struct(">HHQH")  # class, weight, bytes of body, which properties follow
_LENGTH = struct.Struct(">I")
_TIME = struct.Struct(">Q")
_DOUBLE = struct.Struct(">d")

#: Bits of the properties that every message has: content type, headers, delivery mode, message id, timestamp, app id.
_ALWAYS = 1 << 15 | 1 << 13 | 1 << 12 | 1 << 7 | 1 << 6 | 1 << 3
_CORRELATION_ID, _REPLY_TO, _TYPE = 1 << 10, 1 << 9, 1 << 5
_PERSISTENT = b"\x02"
#: Addresses that only a broker can make up: it closes the channel, or crashes, over one that it did not.
DIRECT_REPLY = "amq.rabbitmq.reply-to"
_KEPT = 1024  # different keys and names; far more than the topology has


def frames(message: Outgoing, channel: int, most: int) -> bytes:
    """Return the method, header and body frames of a message; `most` is how many bytes of body fit one frame.

    Raises one of UNENCODABLE for a message that AMQP cannot carry, with a key of 300 bytes for one.
    """
    header = _content(message)
    if len(header) > max(most, _SMALLEST_FRAME):
        raise ValueError(f"its headers take {len(header)} bytes, and must fit into one frame")
    if not message.exchange and message.key.startswith(DIRECT_REPLY):
        raise ValueError("nobody can be answered at a direct reply address")
    parts = [
        _method(message.exchange, message.key, channel),
        _FRAME.pack(_HEADER, channel, len(header)),
        header,
        _END,
    ]
    for part in _split(message.body, most):
        parts += (_FRAME.pack(_BODY, channel, len(part)), part, _END)
    return b"".join(parts)


def _content(message: Outgoing) -> bytes:
    """Return the payload of the header frame: the properties stand in the order of their bits, the highest first."""
    flags = _ALWAYS
    parts = [_JSON, _headers(message), _PERSISTENT]
    if message.correlation_id is not None:
        flags |= _CORRELATION_ID
        parts.append(_short(message.correlation_id))
    if message.reply_to is not None and not message.reply_to.startswith(DIRECT_REPLY):
        flags |= _REPLY_TO
        parts.append(_short(message.reply_to))
    parts += (_short(message.message_id), _TIME.pack(int(message.timestamp.timestamp())))
    if message.type is not None:
        flags |= _TYPE
        parts.append(_name(message.type))
    return _CONTENT.pack(60, 0, len(message.body), flags) + b"".join(parts) + _MESH


def _headers(message: Outgoing) -> bytes:
    """Return the headers, among them when the message was first seen."""
    headers: Mapping[str, Any] = message.headers
    if "x-first-seen" not in headers:
        headers = {"x-first-seen": message.timestamp.isoformat(timespec="milliseconds"), **headers}
    return _table(headers)


def _table(fields: Mapping[str, Any]) -> bytes:
    return _long(b"".join([_name(name) + _value(value) for name, value in fields.items()]))


def _value(value: Any) -> bytes:
    """Return a value behind the letter of its type, so that whatever a foreign publisher's header holds goes on."""
    match value:
        case str():
            return b"S" + _long(value.encode())
        case bytes():  # text that is not UTF-8 is decoded as this
            return b"S" + _long(value)
        case float():
            return b"d" + _DOUBLE.pack(value)
        case dict():
            return b"F" + _table(value)
        case list():
            return b"A" + _long(b"".join(map(_value, value)))
        case _:
            return encode.encode_table_value(value)


def _long(raw: bytes) -> bytes:
    return _LENGTH.pack(len(raw)) + raw


def _short(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > _LONGEST:
        raise ValueError(f"{text[:40]!r}… is longer than {_LONGEST} bytes")
    return bytes((len(raw),)) + raw


_name = lru_cache(_KEPT)(_short)
_JSON = _short("application/json")
_MESH = _short("mesh")


@lru_cache(_KEPT)
def _method(exchange: str, key: str, channel: int) -> bytes:
    payload = _PUBLISH + _short(exchange) + _short(key) + _MANDATORY
    return _FRAME.pack(_METHOD, channel, len(payload)) + payload + _END


def _split(body: bytes, most: int) -> Iterator[bytes]:
    if len(body) <= most:
        if body:
            yield body
        return
    for first in range(0, len(body), most):
        yield body[first : first + most]
