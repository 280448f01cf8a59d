from datetime import UTC, datetime
from typing import Any

import pytest

from brokers.dead import Selection, dead_letter
from tests.build.incoming import a_queue, delivered

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OURS = {
    "x-error-class": "Reject",
    "x-error": "unlucky",
    "x-stack-hash": "abc",
    "x-attempts": 3,
    "x-attempt": 3,
    "x-dead-at": "2026-03-01T11:00:00.000+00:00",
    "x-original-key": "samples.ping",
    "x-original-exchange": "samples.topic",
    "x-first-seen": "2026-03-01T10:00:00.000+00:00",
}
BY_LIMIT = {
    "x-death": [
        {
            "reason": "delivery_limit",
            "queue": "samples.ping",
            "exchange": "samples.topic",
            "routing-keys": ["samples.ping.v2"],
            "time": NOW,
            "count": 1,
        }
    ]
}


def test_it_says_why_and_since_when() -> None:
    letter = dead_letter(delivered(headers=OURS, message_id="m"), a_queue(), NOW)
    assert (letter.error_class, letter.reason, letter.attempts) == ("Reject", "unlucky", 3)
    assert letter.dead_at == datetime(2026, 3, 1, 11, 0, tzinfo=UTC)


def test_a_redriven_message_keeps_its_identity_and_age_and_counts_attempts_anew() -> None:
    again = dead_letter(delivered(headers=OURS, message_id="m"), a_queue(), NOW).redriven(NOW)
    assert (again.exchange, again.key, again.message_id) == ("", "samples.ping", "m")
    assert again.headers["x-first-seen"] == "2026-03-01T10:00:00.000+00:00"
    assert not {"x-attempt", "x-attempts", "x-error", "x-dead-at"} & again.headers.keys()
    assert again.headers["x-redriven-at"] == NOW.isoformat(timespec="milliseconds")


def test_a_mended_body_replaces_the_one_that_failed_and_says_so() -> None:
    again = dead_letter(delivered(b"bad", headers=OURS), a_queue(), NOW).redriven(NOW, b'{"number": 1}')
    assert (again.body, again.headers["x-edited"]) == (b'{"number": 1}', True)


def test_one_that_the_broker_parked_is_told_apart_and_finds_its_original_key() -> None:
    letter = dead_letter(delivered(headers=BY_LIMIT, message_id="m"), a_queue(), NOW)
    assert letter.error_class == "DeliveryLimit"
    assert "delivery_limit" in letter.reason
    assert letter.redriven(NOW).headers["x-original-key"] == "samples.ping.v2"


def test_a_group_is_one_cause_on_one_queue() -> None:
    first = dead_letter(delivered(headers=OURS, message_id="1"), a_queue(), NOW)
    second = dead_letter(delivered(headers=OURS | {"x-error": "other words"}, message_id="2"), a_queue(), NOW)
    third = dead_letter(delivered(headers=OURS | {"x-stack-hash": "def"}, message_id="3"), a_queue(), NOW)
    assert first.group == second.group != third.group


def test_a_selection_takes_what_matches_all_that_it_names() -> None:
    letter = dead_letter(delivered(headers=OURS, message_id="m"), a_queue(), NOW)
    assert Selection().takes(letter)
    assert Selection(queue="samples.ping", group=letter.group, message_id="m").takes(letter)
    assert not Selection(queue="samples.ping", message_id="other").takes(letter)


def test_one_whose_time_to_live_ended_says_so() -> None:
    expired = {"x-death": [BY_LIMIT["x-death"][0] | {"reason": "expired"}]}
    letter = dead_letter(delivered(headers=expired), a_queue(), NOW)
    assert letter.error_class == "Expired"
    assert "time to live" in letter.reason


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-dead-at": "soon", "x-attempts": "many", "x-error-class": 7},
        {"x-death": "never"},
        {"x-death": [7]},
        {"x-death": []},
        {"x-death": [{"reason": 1, "routing-keys": "a", "time": "late", "queue": ["b"]}]},
        {"x-physical": "chatbot.sample.batch"},
        {"x-physical": ["a"]},
    ],
)
def test_a_letter_from_a_stranger_can_be_listed_and_goes_back_to_its_own_queue_only(headers: dict[str, Any]) -> None:
    letter = dead_letter(delivered(headers=headers), a_queue(), NOW)
    assert letter.group
    assert letter.reason or "x-error-class" in headers
    assert letter.redriven(NOW).key == "samples.ping"


def test_a_cause_that_a_publisher_made_up_does_not_hide_that_the_broker_parked_it() -> None:
    letter = dead_letter(delivered(headers=OURS | BY_LIMIT), a_queue(), NOW)
    assert letter.error_class == "DeliveryLimit"
