"""Properties and headers of every odd kind, as bytes: texts that are none, ages that cannot be, tables without end."""

import struct

from hypothesis import strategies as st

from tests.fuzz.amqp import long, nested, short, table

_SHORT = st.sampled_from(
    [b"", b"a", b"\xff\xfe", b"caf\xe9", b"a\0b", b"x" * 255, "😀".encode() * 63, b"\xff" * 255, b"a b\r\n", b"../../x"]
)
_FIELD = st.sampled_from(
    [
        b"V",
        b"t\1",
        b"b\xff",
        b"B\xff",
        b"s\x80\x00",
        b"u\xff\xff",
        b"I\x80\x00\x00\x00",
        b"i\xff\xff\xff\xff",
        b"l\x80" + b"\0" * 7,
        b"l\x7f" + b"\xff" * 7,
        b"f" + struct.pack(">f", 0.5),
        b"d" + struct.pack(">d", 1e300),
        b"d" + struct.pack(">d", 0.1),
        b"D\x02\x00\x00\x30\x39",
        b"D\xff\xff\xff\xff\xff",
        b"T" + struct.pack(">Q", 1_700_000_000),
        b"T" + struct.pack(">Q", 2**63),
        b"T" + b"\xff" * 8,
        b"T" + b"\0" * 8,
        b"x\x00\x00\x00\x02\x00\xff",
        b"A\x00\x00\x00\x00",
        b"A\x00\x00\x00\x04t\1t\0",
        b"F\x00\x00\x00\x00",
        nested(3),
        nested(200),
        nested(2000),
        long(b""),
        long(b"\xff\xfe\x00"),
        long(b"one"),
        long(b"9" * 30),
        long(b"2026-11-21T10:00:00+00:00"),
        long(b"0001-01-01T00:00:00"),
        long(b"1900-01-01T00:00:00Z"),
        long(b"9999-12-31T23:59:59.999999+00:00"),
        long(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        long(b"00-" + b"0" * 32 + b"-zzz"),
        long("José 😀".encode()),
        long(b"x" * 1000),
        long(b"x" * 120_000),
    ]
)
_NAME = st.sampled_from(
    [
        b"x-attempt",
        b"x-attempts",
        b"x-first-seen",
        b"x-redriven-at",
        b"x-original-key",
        b"x-original-exchange",
        b"x-derived-id",
        b"x-death",
        b"x-first-death-queue",
        b"x-last-death-reason",
        b"x-delivery-count",
        b"x-acquired-count",
        b"x-opt-delivery-time",
        b"x-error",
        b"x-error-class",
        b"x-queue",
        b"x-physical",
        b"x-dead-at",
        b"x-stack-hash",
        b"x-track",
        b"x-edited",
        b"traceparent",
        b"tracestate",
        b"task_id",
        b"CC",
        b"",
        b"x" * 255,
        b"\xff\xfe",
        "ключ".encode(),
    ]
)
_ADDRESS = st.sampled_from(
    [
        b"nowhere",
        b"",
        b"amq.rabbitmq.reply-to.g1h2AAAA.zzz",
        b"amq.rabbitmq.reply-to.",
        b"\xff\xfe",
        b"x" * 255,
    ]
)
#: Many queues route on CC, so its value must be a list of texts: anything else is refused at the border of the broker.
_CC = b"A" + struct.pack(">I", len(long(b"nobody"))) + long(b"nobody")


MOMENTS = (0, 1, 1_700_000_000, 1_700_000_000_000, 4_102_444_800, 253_402_300_799, 2**63, 2**64 - 1)


@st.composite
def properties(draw: st.DrawFn) -> dict[str, bytes]:
    """Draw properties; most messages have few, some have everything."""
    drawn: dict[str, bytes] = {}
    if draw(st.integers(0, 3)) == 0:
        return drawn
    optional: dict[str, st.SearchStrategy[bytes]] = {
        "content_type": st.sampled_from([b"application/json", b"text/plain", b"\xff", b"image/png"]).map(short),
        "content_encoding": st.sampled_from([b"gzip", b"utf-16", b""]).map(short),
        "delivery_mode": st.sampled_from([b"\x01", b"\x02"]),
        "priority": st.sampled_from([b"\x00", b"\x09", b"\xff"]),
        "correlation_id": _SHORT.map(short),
        "reply_to": _ADDRESS.map(short),
        "message_id": st.one_of(_SHORT, st.binary(max_size=8)).map(short),
        "timestamp": st.sampled_from(
            [0, 1, 1_700_000_000, 1_700_000_000_000, 4_102_444_800, 253402300799, 2**63, 2**64 - 1]
        ).map(lambda value: struct.pack(">Q", value)),
        "type": _SHORT.map(short),
        "app_id": _SHORT.map(short),
    }
    for name in draw(st.lists(st.sampled_from(sorted(optional)), unique=True, max_size=4)):
        drawn[name] = draw(optional[name])
    if draw(st.booleans()):
        entries = draw(st.lists(st.tuples(_NAME, _FIELD), max_size=4))
        entries = [(name, _CC if name == b"CC" else value) for name, value in entries]
        if sum(len(name) + len(value) for name, value in entries) < 125_000:
            drawn["headers"] = table(entries)
    return drawn
