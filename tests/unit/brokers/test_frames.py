"""What is encoded by hand reads, to AMQP's own decoder, as it was meant."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pamqp.body
import pamqp.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands
from pamqp.header import ContentHeader

from brokers.frames import UNENCODABLE, frames
from brokers.outgoing import Outgoing
from brokers.wire import accept_anything

NOON = datetime(2026, 3, 4, 12, 0, 0, 345_000, tzinfo=UTC)
MOST = 100

accept_anything()  # as in every process that has a link; a test before this one may have said so too

short_texts = st.text(max_size=60)
names = st.text(max_size=30)  # 120 bytes at most; longer ones are read as their digest
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(-3.4e38, 3.4e38)  # larger ones are read as text
    | st.text(max_size=300)
    | st.just(b"\xff is not UTF-8"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
messages = st.builds(
    Outgoing,
    exchange=short_texts,
    key=short_texts,
    body=st.binary(max_size=3 * MOST),
    message_id=short_texts,
    type=st.none() | short_texts,
    correlation_id=st.none() | short_texts,
    reply_to=st.none() | short_texts,
    timestamp=st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    headers=st.dictionaries(names, values, max_size=4),
)


def said(**fields: Any) -> Outgoing:
    return Outgoing(**{"exchange": "e", "key": "k", "body": b"{}", "timestamp": NOON} | fields)


def decoded(raw: bytes) -> list[Any]:
    found = []
    while raw:
        taken, channel, frame = pamqp.frame.unmarshal(raw)
        assert channel == 7
        found.append(frame)
        raw = raw[taken:]
    return found


@given(messages)
def test_a_message_survives_the_way_through_its_frames(message: Outgoing) -> None:
    method, header, *bodies = decoded(frames(message, 7, MOST))
    assert isinstance(method, commands.Basic.Publish)
    assert (method.exchange, method.routing_key, method.mandatory, method.immediate) == (
        message.exchange,
        message.key,
        True,
        False,
    )
    assert isinstance(header, ContentHeader)
    assert header.body_size == len(message.body)
    assert b"".join(body.value for body in bodies) == message.body
    assert all(isinstance(body, pamqp.body.ContentBody) and 0 < len(body.value) <= MOST for body in bodies)
    stated = header.properties
    assert stated.headers == {
        "x-first-seen": message.timestamp.isoformat(timespec="milliseconds"),
        **message.headers,
    }
    assert (stated.message_id, stated.message_type) == (message.message_id, message.type)
    assert (stated.correlation_id, stated.reply_to) == (message.correlation_id, message.reply_to)
    assert (stated.content_type, stated.app_id, stated.delivery_mode) == ("application/json", "mesh", 2)
    assert stated.timestamp == message.timestamp.replace(microsecond=0)


def test_the_time_a_message_was_first_seen_is_kept_where_it_is_known() -> None:
    earlier = (NOON - timedelta(days=1)).isoformat()
    _, header, _ = decoded(frames(said(headers={"x-first-seen": earlier}), 7, MOST))
    assert header.properties.headers == {"x-first-seen": earlier}


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "k" * 256},
        {"message_id": "é" * 128},
        {"headers": {"x" * 256: 1}},
        {"headers": {"x": object()}},
        {"headers": {"x": 2**64}},
        {"timestamp": datetime(1950, 1, 1, tzinfo=UTC)},
    ],
    ids=["key", "message_id", "name", "type", "number", "time"],
)
def test_what_amqp_has_no_room_for_is_an_error_of_that_message(fields: dict[str, Any]) -> None:
    with pytest.raises(UNENCODABLE):
        frames(said(**fields), 7, MOST)


@pytest.mark.parametrize(
    "unsendable",
    [
        {"headers": {"page": "x" * 131_072}},
        {"headers": []},
        {"headers": None},
        {"timestamp": datetime(1900, 1, 1, tzinfo=UTC)},
        {"message_id": "😀" * 64},
        {"exchange": "", "key": "amq.rabbitmq.reply-to.forged"},
    ],
)
def test_what_a_broker_would_close_the_connection_over_is_refused_before(unsendable: dict[str, Any]) -> None:
    message = Outgoing(**{"exchange": "e", "key": "k", "body": b"{}", **unsendable})
    with pytest.raises(UNENCODABLE):
        frames(message, 1, 131_064)


def test_a_direct_reply_address_is_not_sent_on() -> None:
    told = frames(Outgoing(exchange="e", key="k", body=b"{}", reply_to="amq.rabbitmq.reply-to"), 1, MOST)
    assert b"amq.rabbitmq.reply-to" not in told
