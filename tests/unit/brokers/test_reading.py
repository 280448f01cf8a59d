"""What is decoded by hand says what AMQP's own decoder says, wherever the wire happens to cut it."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pamqp.frame
import pytest
from aiormq.exceptions import AMQPConnectionError, InvalidFrameError
from hypothesis import given
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.commands import Basic, Channel
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from brokers.reading import Frames

short_texts = st.text(max_size=40)
some = st.none() | short_texts.filter(bool)
moments = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone

deliveries = st.builds(
    Basic.Deliver,
    consumer_tag=short_texts,
    delivery_tag=st.integers(0, 2**63 - 1),
    redelivered=st.booleans(),
    exchange=st.text("azAZ09-_.:", max_size=20),  # pamqp writes no others
    routing_key=short_texts,
)
properties = st.builds(
    Basic.Properties,
    content_type=some,
    content_encoding=some,
    headers=st.none()
    | st.dictionaries(short_texts, short_texts | st.integers(-(2**31), 2**31), min_size=1, max_size=4),
    delivery_mode=st.sampled_from([None, 1, 2]),
    priority=st.none() | st.integers(1, 255),
    correlation_id=some,
    reply_to=some,
    expiration=some,
    message_id=some,
    timestamp=st.none() | moments.map(lambda moment: moment.replace(microsecond=0)),
    message_type=some,
    user_id=some,
    app_id=some,
)
frames = (
    deliveries
    | st.builds(ContentHeader, body_size=st.integers(0, 2**40), properties=properties)
    | st.builds(ContentBody, st.binary(min_size=1, max_size=300))
    | st.sampled_from([Heartbeat(), Channel.CloseOk(), Channel.OpenOk(), Basic.Ack(7, multiple=True)])
)


async def read(raw: bytes, cuts: list[int]) -> list[tuple[int, int, Any]]:
    reader = asyncio.StreamReader()
    receiver = Frames(reader)
    found: list[tuple[int, int, Any]] = []

    async def receive() -> None:
        while True:
            found.append(await receiver.get_frame())

    receiving = asyncio.create_task(receive())
    edges = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    for begin, end in pairwise(edges):
        if begin < end:
            reader.feed_data(raw[begin:end])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    reader.feed_eof()
    with pytest.raises(AMQPConnectionError, match="unexpectedly closed"):
        await receiving
    return found


def told(frame: Any) -> Any:
    if isinstance(frame, ContentHeader):
        return frame.class_id, frame.weight, frame.body_size, told(frame.properties)
    if isinstance(frame, ContentBody):
        return frame.value
    return type(frame), {name: getattr(frame, name) for name in getattr(frame, "__slots__", ())}


@given(st.lists(st.tuples(st.integers(0, 2047), frames), max_size=8), st.lists(st.integers(0, 10_000), max_size=6))
def test_every_frame_is_read_as_pamqp_would_read_it(sent: list[tuple[int, Any]], cuts: list[int]) -> None:
    whole = [pamqp.frame.marshal(frame, 0 if isinstance(frame, Heartbeat) else channel) for channel, frame in sent]
    expected = [pamqp.frame.unmarshal(each) for each in whole]
    found = asyncio.run(read(b"".join(whole), cuts))
    assert [(size, channel, told(frame)) for size, channel, frame in found] == [
        (size, channel, told(frame)) for size, channel, frame in expected
    ]


async def test_an_exchange_may_have_any_name_that_the_broker_allows() -> None:
    delivery = Basic.Deliver("tag", 1, redelivered=False, exchange="page", routing_key="k")
    raw = pamqp.frame.marshal(delivery, 1).replace(b"page", "ä !".encode())
    ((_, _, frame),) = await read(raw, [])
    assert frame.exchange == "ä !"


@pytest.mark.parametrize(
    "broken", [b"\x01\x00\x01\x00\x00\x00\x04\x00\x3c\x00\x3c\xce", b"\x07\x00\x01\x00\x00\x00\x01x\xce"]
)
async def test_what_is_no_frame_ends_the_link_with_an_error_that_aiormq_knows(broken: bytes) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(broken)
    with pytest.raises(InvalidFrameError):
        await Frames(reader).get_frame()


async def test_a_link_that_is_reset_ends_with_an_error_that_aiormq_knows() -> None:
    reader = asyncio.StreamReader()
    reader.set_exception(ConnectionResetError("by peer"))
    with pytest.raises(AMQPConnectionError, match="by peer"):
        await Frames(reader).get_frame()
