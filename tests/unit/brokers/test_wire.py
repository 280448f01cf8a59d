"""What a broker may hand over, read from bytes and written again."""

import struct
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from aiormq import spec
from pamqp import frame
from pamqp.header import ContentHeader

from brokers.wire import MAX_DEPTH, accept_anything

#: The flags of the properties used here, by their place on the wire.
HEADERS, CORRELATION_ID, MESSAGE_ID, TIMESTAMP = 1 << 13, 1 << 10, 1 << 7, 1 << 6


@pytest.fixture(autouse=True)
def _as_a_link_does() -> None:
    accept_anything()


def read(flags: int, values: bytes) -> Any:
    payload = struct.pack(">HHQH", 60, 0, 0, flags) + values
    data = struct.pack(">BHI", 2, 1, len(payload)) + payload + b"\xce"
    _, _, header = frame.unmarshal(data)
    assert isinstance(header, ContentHeader)
    return header.properties


def short(value: bytes) -> bytes:
    return bytes([len(value)]) + value


def header(value: bytes, name: bytes = b"h") -> Any:
    entry = short(name) + value
    headers = read(HEADERS, struct.pack(">I", len(entry)) + entry).headers
    frame.marshal(ContentHeader(properties=spec.Basic.Properties(headers=headers)), 1)  # what was read can be written
    return headers


def test_text_in_another_encoding_is_read_as_its_digest() -> None:
    one, other = (read(MESSAGE_ID, short(value)).message_id for value in (b"caf\xe9", b"caf\xe8"))
    assert one != other
    assert one.startswith("sha256:")


def test_text_in_utf8_is_read_as_it_is() -> None:
    assert read(CORRELATION_ID, short("José 😀".encode())).correlation_id == "José 😀"


@pytest.mark.parametrize("stated", [2**64 - 1, 2**63, 253402300800 * 1000])
def test_a_moment_beyond_the_calendar_is_none(stated: int) -> None:
    assert read(TIMESTAMP, struct.pack(">Q", stated)).timestamp is None


def test_a_moment_in_milliseconds_is_read_as_such() -> None:
    assert read(TIMESTAMP, struct.pack(">Q", 1_700_000_000_000)).timestamp == datetime(
        2023, 11, 14, 22, 13, 20, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"S\0\0\0\2\xff\xfe", bytearray(b"\xff\xfe")),
        (b"S\0\0\0\2ok", "ok"),
        (b"x\0\0\0\1\xff", bytearray(b"\xff")),
        (b"T" + b"\xff" * 8, str(2**64 - 1)),
        (b"d" + struct.pack(">d", 1e300), "1e+300"),
        (b"d" + struct.pack(">d", 0.5), 0.5),
        (b"D\x02" + struct.pack(">I", 12345), Decimal("123.45")),
        (b"D\xff\xff\xff\xff\xff", Decimal(-1).scaleb(-255)),
        (b"V", None),
        (b"l\x80" + b"\0" * 7, -(2**63)),
        (b"A\0\0\0\3t\1V", [True, None]),
    ],
)
def test_a_header_of_any_kind_is_read_and_can_be_written_again(value: bytes, expected: object) -> None:
    assert header(value) == {"h": expected}


def test_a_table_without_a_bottom_is_read_down_to_a_depth() -> None:
    value = b"V"
    for _ in range(5000):
        inner = short(b"n") + value
        value = b"F" + struct.pack(">I", len(inner)) + inner
    found, depth = header(value), 0
    while isinstance(found, dict):
        (found,) = found.values()
        depth += 1
    assert depth == MAX_DEPTH
    assert "deeper" in found


@pytest.mark.parametrize("name", [b"\xff", b"x" * 255, "ü".encode() * 127])
def test_a_name_that_cannot_be_written_is_read_as_its_digest(name: bytes) -> None:
    (found,) = header(b"V", name)
    assert found.startswith("sha256:")
