"""Whatever the webhook brings is read as one of a few things."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.replies.tiktok import LONGEST_ID, Inbound, Kind, read
from tests.build.replies import BUSINESS, CONVERSATION, CUSTOMER
from tests.build.tiktok import CLIENT_KEY, LEGACY, VECTOR, content, echo, envelope


def test_a_customers_message_is_read() -> None:
    assert read(VECTOR) == Inbound(
        kind=Kind.MESSAGE,
        identity=("im_receive_msg", CLIENT_KEY, BUSINESS, CONVERSATION, "mid-5001"),
        event="im_receive_msg",
        client_key=CLIENT_KEY,
        business_id=BUSINESS,
        conversation_id=CONVERSATION,
        message_id="mid-5001",
        user_id=CUSTOMER,
        username="wanjiru.k",
        provider_ts=datetime(2025, 12, 29, 9, 24, 59, 123000, UTC),
        text="Is TH-P-001 still there?",
        source="APP",
    )


def test_spaces_and_the_order_of_keys_make_no_other_notification() -> None:
    body = json.loads(VECTOR)
    body["content"] = json.loads(body["content"])
    spaced = json.dumps(dict(reversed(body.items())), indent=2).encode()
    assert read(spaced) == read(VECTOR)
    assert read(VECTOR).dedup_key == read(spaced).dedup_key


def test_the_same_message_id_in_another_conversation_is_another_notification() -> None:
    assert read(envelope(content(conversation_id="cv-2"))).dedup_key != read(VECTOR).dedup_key


def test_a_strangers_notification_never_stands_for_one_of_ours() -> None:
    other_app, other_account = envelope(content(), client_key="x"), envelope(content(), user_openid="x")
    assert len({read(each).dedup_key for each in (VECTOR, other_app, other_account)}) == 3


def test_an_echo_names_the_customer_it_was_sent_to() -> None:
    found = read(envelope(echo("Yes, it is."), "im_send_msg"))
    assert (found.kind, found.user_id, found.source, found.text) == (Kind.ECHO, CUSTOMER, "API", "Yes, it is.")
    assert found.username == "wanjiru.k"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (envelope(content(read={"last_read_timestamp": 1767000400000}), "im_mark_read_msg"), Kind.READ),
        (envelope("{}", "im_receive_msg_eu"), Kind.STRIPPED),
        (envelope('{"reason":1}', "authorization.removed"), Kind.REMOVED),
        (envelope("{}", "im_receive_high_intent_comment"), Kind.OTHER),
        (envelope("{}", "video.publish.completed"), Kind.OTHER),
        (envelope("not JSON", "something.new"), Kind.OTHER),
        (envelope(content(from_user={"id": BUSINESS, "role": "personal_account"})), Kind.OWN),
        (envelope(content(from_user={"id": "x", "role": "business_account"})), Kind.OWN),
        (b"{}", Kind.OTHER),
    ],
)
def test_only_what_customers_say_is_a_message(body: bytes, kind: Kind) -> None:
    assert read(body).kind is kind


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"event":NaN}',
        '{"event":"im_receive_msg"}'.encode("utf-16"),
        envelope("not JSON"),
        envelope("[]"),
        envelope("[" * 100_000),
        envelope(content(conversation_id="")),
        envelope(content(conversation_id=None)),
        envelope(content(conversation_id="x" * (LONGEST_ID + 1))),
        envelope(content(conversation_id="a\u0000b")),
        envelope(content(message_id=["a"])),
        envelope(content(from_user="usr-900")),
        envelope(content(from_user={"id": "x" * (LONGEST_ID + 1)})),
    ],
)
def test_what_cannot_be_acted_on_says_why(body: bytes) -> None:
    found = read(body)
    assert found.kind is Kind.UNREADABLE
    assert found.problem
    assert len(found.conversation_id) <= LONGEST_ID


def test_what_two_unreadable_bodies_are_is_told_by_their_bytes() -> None:
    assert read(b"{").dedup_key == read(b"{").dedup_key != read(b"[").dedup_key


def test_numbers_stand_for_ids_digit_by_digit() -> None:
    said = json.dumps(content(message_id=0)).replace('"message_id": 0', '"message_id": 123456789012345678901234567890')
    found = read(envelope(said))
    assert found.message_id == "123456789012345678901234567890"


@pytest.mark.parametrize("text", ["hi", {"body": "hi"}])
def test_a_text_is_a_text_or_an_object(text: Any) -> None:
    assert read(envelope(content(text))).text == "hi"


@pytest.mark.parametrize("text", [None, [], {}, {"body": None}, {"body": {"body": "x"}}, True])
def test_a_text_that_is_none_is_empty(text: Any) -> None:
    said = {**content(), "text": text}
    found = read(envelope(said))
    assert (found.kind, found.text) == (Kind.MESSAGE, "")


def test_of_a_key_that_occurs_twice_the_last_counts() -> None:
    said = json.dumps(content())[:-1] + ', "message_id": "the last"}'
    assert read(envelope(said)).message_id == "the last"


def test_half_a_character_is_a_question_mark() -> None:
    assert read(envelope(content({"body": "a\ud83d"}))).text == "a?"


def test_a_tapped_button_and_what_is_answered_are_told() -> None:
    found = read(
        envelope(
            content(
                reply_source_payload={"reply_source_unique_id": "btn-1"},
                referenced_message_info={"referenced_message_id": "mid-4999"},
            )
        )
    )
    assert (found.button_id, found.referenced_id) == ("btn-1", "mid-4999")


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (1767000299123, datetime(2025, 12, 29, 9, 24, 59, 123000, UTC)),
        ("1767000299123", datetime(2025, 12, 29, 9, 24, 59, 123000, UTC)),
        (1767000299, datetime(2025, 12, 29, 9, 24, 59, tzinfo=UTC)),
        (None, datetime(2025, 12, 29, 9, 25, tzinfo=UTC)),
        ("soon", datetime(2025, 12, 29, 9, 25, tzinfo=UTC)),
        (10**400, datetime(2025, 12, 29, 9, 25, tzinfo=UTC)),
        (-5, datetime(2025, 12, 29, 9, 25, tzinfo=UTC)),
    ],
)
def test_the_time_is_the_messages_own_or_else_the_notifications(timestamp: Any, expected: datetime) -> None:
    assert read(envelope(content(timestamp=timestamp))).provider_ts == expected


def test_the_older_shape_is_understood() -> None:
    found = read(LEGACY)
    assert (found.kind, found.is_legacy) == (Kind.MESSAGE, True)
    assert (found.user_id, found.conversation_id, found.message_id) == (CUSTOMER, CUSTOMER, "ev-31")
    assert found.text == "any size 10 shoes?"
    assert found.provider_ts == datetime(2025, 12, 29, 9, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        {"event_id": 7, "data": {"sender_id": CUSTOMER, "message": {"text": {"body": "hi"}}}},
        {"event_id": 7, "data": {"message": {"from_user_id": CUSTOMER, "body": "hi"}}},
        {"event_id": 7, "entry": [{"changes": [{"value": {"sender": CUSTOMER, "text": "hi"}}]}]},
    ],
)
def test_the_older_shape_has_its_parts_in_several_places(body: dict[str, Any]) -> None:
    found = read(json.dumps(body).encode())
    assert (found.kind, found.user_id, found.text, found.message_id) == (Kind.MESSAGE, CUSTOMER, "hi", "7")


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*content(), *"xy"]), inner),
    max_leaves=8,
)


def _is_storable(found: Inbound) -> bool:
    ids = (found.business_id, found.conversation_id, found.message_id, found.user_id)
    return all(len(each) <= LONGEST_ID and each.encode() for each in ids if each) and found.text.encode() is not None


@given(st.binary(max_size=400))
@settings(max_examples=500)
def test_any_bytes_are_read(raw: bytes) -> None:
    assert _is_storable(read(raw))


@given(
    st.dictionaries(st.sampled_from(["event", "client_key", "content", "user_openid", "data", "entry"]), _ANYTHING),
    st.dictionaries(st.sampled_from(list(content())), _ANYTHING),
)
@settings(max_examples=500)
def test_any_shape_is_read(body: dict[str, Any], said: dict[str, Any]) -> None:
    for each in (
        json.dumps(body).encode(),
        envelope({**content(), **said}),
        json.dumps({**body, "data": said}).encode(),
    ):
        found = read(each)
        assert _is_storable(found)
        assert found.dedup_key == read(each).dedup_key
