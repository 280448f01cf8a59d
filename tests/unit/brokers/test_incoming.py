from datetime import UTC, datetime, timedelta

import pytest
from pamqp import encode

from tests.build.incoming import a_queue, arrived

NOW = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
SAID = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def test_a_stated_message_id_is_kept() -> None:
    message = arrived(NOW, message_id="mine")
    assert (message.message_id, message.is_derived) == ("mine", False)


def test_a_foreign_message_without_id_gets_one_from_key_body_and_timestamp() -> None:
    first, again = (
        arrived(NOW, b'{"a":1}', timestamp=SAID),
        arrived(NOW + timedelta(hours=1), b'{"a":1}', timestamp=SAID),
    )
    assert first.is_derived
    assert first.message_id == again.message_id
    assert first.message_id != arrived(NOW, b'{"a":2}', timestamp=SAID).message_id
    assert first.message_id != arrived(NOW, b'{"a":1}', timestamp=SAID + timedelta(seconds=1)).message_id


def test_a_derived_identity_survives_the_ladder_and_stays_derived() -> None:
    first = arrived(NOW, b'{"a":1}')
    onward = first.onward("mesh.delay.00", "bits.samples.ping")
    again = arrived(NOW + timedelta(minutes=5), onward.body, headers=dict(onward.headers), message_id=onward.message_id)
    assert (again.message_id, again.is_derived) == (first.message_id, True)
    assert (again.key, again.exchange) == ("samples.ping", "samples.topic")
    assert again.first_seen == first.first_seen


def test_the_publishers_timestamp_says_when_it_was_observed() -> None:
    assert arrived(NOW, timestamp=SAID).first_seen == SAID


def test_milliseconds_in_the_header_refine_the_timestamp_they_agree_with() -> None:
    precise = SAID + timedelta(milliseconds=250)
    assert arrived(NOW, timestamp=SAID, headers={"x-first-seen": precise.isoformat()}).first_seen == precise


def test_an_arrival_header_does_not_overrule_the_publishers_own_time() -> None:
    assert arrived(NOW, timestamp=SAID, headers={"x-first-seen": NOW.isoformat()}).first_seen == SAID


def test_without_any_time_the_first_arrival_counts() -> None:
    assert arrived(NOW).first_seen == NOW


def test_garbage_in_our_headers_is_ignored() -> None:
    message = arrived(NOW, headers={"x-attempt": "many", "x-first-seen": 7, "x-redriven-at": "soon"})
    assert (message.attempt, message.first_seen, message.retry_since) == (1, NOW, NOW)


def test_the_brokers_own_death_headers_do_not_travel_on() -> None:
    message = arrived(NOW, headers={"x-death": [{"queue": "a"}], "x-delivery-count": 3, "mine": "kept"})
    onward = message.onward("", "samples.ping")
    assert "x-death" not in onward.headers
    assert "x-delivery-count" not in onward.headers
    assert onward.headers["mine"] == "kept"


def test_partitions_are_chosen_by_a_hash_that_every_process_agrees_on() -> None:
    queue = a_queue(partitions=4)
    assert [queue.partition_of(key) for key in ("ana", "José", "x" * 100, "")] == [2, 0, 3, 0]
    assert queue.physical_names == tuple(f"samples.ping.{i}" for i in range(4))


@pytest.mark.parametrize("stated", ["1970-01-01T00:00:00Z", "0001-01-01", "9999-12-31T23:59:59.999999-12:00"])
def test_an_age_that_cannot_be_is_not_believed(stated: str) -> None:
    message = arrived(NOW, headers={"x-first-seen": stated})
    assert (message.first_seen, message.retry_since) == (NOW, NOW)


@pytest.mark.parametrize("stated", [datetime(1970, 1, 1, tzinfo=UTC), NOW + timedelta(days=30)])
def test_a_timestamp_that_cannot_be_neither_ages_a_message_nor_keeps_it_the_newest(stated: datetime) -> None:
    message = arrived(NOW, timestamp=stated)
    onward = message.onward("", "samples.ping")
    assert (message.first_seen, onward.timestamp) == (NOW, NOW)


def test_two_messages_with_timestamps_that_cannot_be_stay_two() -> None:
    stated = [datetime(1970, 1, 1, 0, 0, second, tzinfo=UTC) for second in (1, 2)]
    assert len({arrived(NOW, timestamp=each).message_id for each in stated}) == 2


def test_headers_of_the_wrong_kind_say_nothing_of_the_origin() -> None:
    message = arrived(NOW, headers={"x-original-key": ["a"], "x-original-exchange": bytearray(b"\xff")})
    assert (message.key, message.exchange) == ("samples.ping", "samples.topic")


@pytest.mark.parametrize("stated", ["amq.rabbitmq.reply-to", "amq.rabbitmq.reply-to.g1h2AAAA.forged"])
def test_nobody_is_answered_at_an_address_that_ends_the_connection_if_it_is_mistaken(stated: str) -> None:
    message = arrived(NOW, reply_to=stated)
    assert message.reply_to is None
    assert message.onward("", "samples.ping").reply_to is None


def test_where_copies_went_is_not_said_again() -> None:
    onward = arrived(NOW, headers={"CC": ["chatbot.sample.batch"]}).onward("", "samples.ping")
    assert "CC" not in onward.headers


def test_headers_too_large_to_travel_on_beside_ours_are_left_out_and_named() -> None:
    message = arrived(NOW, headers={"mine": "kept", "page": "x" * 120_000})
    onward = message.onward("mesh.dead", "samples.ping", **{"x-error": "ü" * 1000})
    assert onward.headers["mine"] == "kept"
    assert onward.headers["x-left-out"] == "page"
    assert len(encode.field_table(dict(onward.headers))) < 100_000
