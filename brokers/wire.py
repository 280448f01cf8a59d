"""Reading what foreign publishers put into properties and headers: whatever the broker carried, a consumer can read.

pamqp refuses text that is no UTF-8, moments after the year 9999 and tables without a bottom by ending the connection,
and cannot write again some of what it has read. One such message would end every consumer that it is delivered to,
twenty times over, together with all messages in hand. So the readers that pamqp keeps in its tables are replaced.
"""

import hashlib
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pamqp import decode

#: Deeper tables are nobody's headers; reading them costs a stack frame each.
MAX_DEPTH = 32
MAX_NAME = 128  # bytes; pamqp cuts longer names of headers when it writes them
_LARGEST_FLOAT = 3.4e38  # pamqp writes every float in 32 bits
_LARGEST_SECONDS = 0xFFFFFFFF  # beyond 2106 a timestamp counts milliseconds

Reader = Callable[[bytes], tuple[int, Any]]


def accept_anything() -> None:
    """Make pamqp read every value that a broker accepts; safe to call again."""
    decode.METHODS["shortstr"] = _short_text
    decode.METHODS["timestamp"] = _moment_or_none
    decode.METHODS["table"] = lambda value: _table(value, MAX_DEPTH)


def _short_text(value: bytes) -> tuple[int, str]:
    length = value[0]
    return length + 1, _text(value[1 : length + 1])


def _text(value: bytes, most: int = 255) -> str:
    """Read UTF-8; other bytes, and too many, become their digest, so that two identities never become one."""
    try:
        if len(value) <= most:
            return value.decode()
    except UnicodeDecodeError:
        pass
    return f"sha256:{hashlib.sha256(value).hexdigest()}"


def _moment_or_none(value: bytes) -> tuple[int, datetime | None]:
    (stated,) = struct.unpack_from(">Q", value)
    return 8, _moment(stated)


def _moment(stated: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(stated if stated <= _LARGEST_SECONDS else stated / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _table(value: bytes, depth: int) -> tuple[int, dict[str, Any]]:
    end = 4 + _length(value)
    found: dict[str, Any] = {}
    at = 4
    while at < end:
        name = _text(value[at + 1 : at + 1 + value[at]], MAX_NAME)
        at += 1 + value[at]
        consumed, found[name] = _field(value, at, depth)
        at += consumed
    return end, found


def _array(value: bytes, depth: int) -> tuple[int, list[Any]]:
    end = 4 + _length(value)
    found: list[Any] = []
    at = 4
    while at < end:
        consumed, each = _field(value, at, depth)
        found.append(each)
        at += consumed
    return end, found


def _field(value: bytes, at: int, depth: int) -> tuple[int, Any]:
    """Read one value with its type; return how many bytes that took."""
    kind = value[at : at + 1]
    if kind in {b"F", b"A"}:
        size = 4 + _length(value, at + 1)
        inner = value[at + 1 : at + 1 + size]
        if depth <= 1:
            return size + 1, f"deeper than {MAX_DEPTH} tables"
        return size + 1, (_table if kind == b"F" else _array)(inner, depth - 1)[1]
    if kind in {b"S", b"x"}:
        size = 4 + _length(value, at + 1)
        return size + 1, _long_text(value[at + 5 : at + 1 + size], is_binary=kind == b"x")
    consumed, found = decode.TABLE_MAPPING[kind](value[at + 1 : at + 9]) if kind != b"T" else _stamp(value, at + 1)
    return consumed + 1, _writable(found)


def _stamp(value: bytes, at: int) -> tuple[int, Any]:
    (stated,) = struct.unpack_from(">Q", value, at)
    return 8, _moment(stated) or str(stated)


def _long_text(value: bytes, *, is_binary: bool) -> Any:
    if is_binary:
        return bytearray(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return bytearray(value)


def _writable(value: Any) -> Any:
    """Return what pamqp can also write: the text of a number where it cannot write the number."""
    if isinstance(value, float) and abs(value) > _LARGEST_FLOAT:
        return repr(value)
    return value


def _length(value: bytes, at: int = 0) -> int:
    return int(struct.unpack_from(">I", value, at)[0])
