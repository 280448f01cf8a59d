"""What is taken of an item, and with which words one is refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.relay.items import ItemError, event_id_of, money, parse_item
from schemas.relay.messages import IngestEvents
from schemas.relay.records import EventIdentity

NOW = datetime(2026, 3, 4, 17, tzinfo=UTC)
SEED = json.loads((files("mesh") / "examples" / "marketing-events.json").read_text())


def item(**values: Any) -> dict[str, Any]:
    said = {
        "storefront_id": "lumen-rx",
        "event_name": "purchase_completed",
        "event_time": "2026-03-04T16:20:11Z",
        "order_id": "LX-884120",
        **values,
    }
    return {name: value for name, value in said.items() if value is not ...}


def test_the_seeds_page_is_accepted_as_it_stands() -> None:
    page = IngestEvents.model_validate(SEED)
    identities = [parse_item(raw, NOW).identity for raw in page.data]
    assert identities[0] == EventIdentity("bosley", "consult_started", "2025010100001111")
    assert len(set(identities)) == 3


@pytest.mark.parametrize("name", ["next_index", "previous_index"])
@pytest.mark.parametrize("value", ["", None, 0, 200, "200"])
def test_paging_fields_take_what_producers_send(name: str, value: Any) -> None:
    IngestEvents.model_validate({**SEED, name: value})


def test_a_bare_item_and_a_bare_array_are_pages_too() -> None:
    assert IngestEvents.model_validate(item()).data == [item()]
    assert IngestEvents.model_validate([item(), 7]).data == [item(), 7]


@pytest.mark.parametrize("page", [{}, {"events": []}, {"count": 1, "data": None}, {"error": ""}, 7, "page"])
def test_what_has_no_items_is_no_page(page: Any) -> None:
    with pytest.raises(ValidationError):
        IngestEvents.model_validate(page)


def test_a_page_that_could_not_be_made_has_no_items() -> None:
    assert IngestEvents.model_validate({"error": "replica lag", "data": None}).data == []


def test_an_explicit_event_id_comes_before_the_order() -> None:
    assert parse_item(item(event_id="e-1"), NOW).identity.event_id == "e-1"
    assert parse_item(item(event_id=""), NOW).identity.event_id == "LX-884120"


def test_numbers_are_ids_and_names_are_lower_case() -> None:
    read = parse_item(item(order_id=2025020100003333, event_name=" Purchase_Completed ", storefront_id="LUMEN-rx"), NOW)
    assert read.identity == EventIdentity("lumen-rx", "purchase_completed", "2025020100003333")


def test_everything_that_was_sent_is_kept_cleaned() -> None:
    read = parse_item(item(**{"t-value": "aff\0_1", "email": "a@b.example", "deep": {"x": [1]}}), NOW)
    assert read.payload["t_value"] == "aff_1"
    assert read.payload["email"] == "a@b.example"
    assert read.payload["deep"] == {"x": [1]}
    assert "t-value" not in read.payload


def test_the_order_of_fields_does_not_make_another_content() -> None:
    there = parse_item(item(), NOW)
    back = parse_item(dict(reversed(item().items())), NOW)
    assert there.content_hash == back.content_hash
    assert parse_item(item(order_revenue=1), NOW).content_hash != there.content_hash


def test_another_spelling_of_who_it_is_makes_no_other_content() -> None:
    plain = parse_item(item(), NOW)
    spelled = item(storefront_id=" Lumen-RX", event_name="PURCHASE_completed ", event_id="LX-884120 ")
    assert parse_item(spelled, NOW) == replace(plain, payload=ANY, text=ANY)


def test_letters_that_grow_in_lower_case_are_measured_there() -> None:
    with pytest.raises(ItemError, match="event_name is longer"):
        parse_item(item(event_name="İ" * 30), NOW)


def test_letters_that_only_look_like_ascii_make_no_code() -> None:
    with pytest.raises(ItemError, match="storefront_id may have ASCII"):
        parse_item(item(storefront_id="lumen-\u212a"), NOW)


def test_numbers_of_any_length_are_read() -> None:
    with pytest.raises(ItemError, match="order_revenue is too large"):
        parse_item(item(order_revenue=10**5000), NOW)
    assert len(event_id_of(item(order_id=10**5000)) or "") == 100


def test_of_a_field_that_is_said_twice_the_last_one_counts() -> None:
    page = (
        b'{"data": [{"order_id": "a", "order_id": "b", "storefront_id": "s", "event_name": "lead", "event_time": 1}]}'
    )
    (said,) = IngestEvents.model_validate_json(page).data
    assert said["order_id"] == "b"


def test_what_names_no_time_happened_when_it_was_written() -> None:
    written_at = NOW - timedelta(hours=1)
    assert parse_item(item(event_time=...), NOW, written_at).event_time == written_at
    assert parse_item(item(), NOW, written_at).event_time == datetime(2026, 3, 4, 16, 20, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("2026-03-04T16:20:11Z", datetime(2026, 3, 4, 16, 20, 11, tzinfo=UTC)),
        ("2026-03-04T18:20:11+02:00", datetime(2026, 3, 4, 16, 20, 11, tzinfo=UTC)),
        ("2026-03-04T16:20:11", datetime(2026, 3, 4, 16, 20, 11, tzinfo=UTC)),
        ("2026-03-04", datetime(2026, 3, 4, tzinfo=UTC)),
        (1772641211, datetime(2026, 3, 4, 16, 20, 11, tzinfo=UTC)),
        (1772641211000, datetime(2026, 3, 4, 16, 20, 11, tzinfo=UTC)),
        ("2001-01-01T00:00:00Z", datetime(2001, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_however_it_is_said(said: Any, moment: datetime) -> None:
    assert parse_item(item(event_time=said), NOW).event_time == moment


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"order_id": ...}, "order_id is missing"),
        ({"order_id": "  "}, "order_id is empty"),
        ({"order_id": "x" * 101}, "order_id is longer than 100 characters"),
        ({"order_id": ["x"]}, "order_id is not text"),
        ({"order_id": True}, "order_id is not text"),
        ({"order_id": "a\nb"}, "order_id contains control characters"),
        ({"event_id": "y" * 101}, "event_id is longer than 100 characters"),
        ({"event_name": ...}, "event_name is missing"),
        ({"event_name": "n" * 51}, "event_name is longer than 50 characters"),
        ({"storefront_id": "bösley"}, "storefront_id may have ASCII letters, digits, - and _ only"),
        ({"storefront_id": ""}, "storefront_id is empty"),
        ({"event_time": ...}, "event_time is missing"),
        ({"event_time": "yesterday"}, "event_time is not a time in ISO 8601"),
        ({"event_time": "2999-01-01T00:00:00Z"}, "event_time is in the future"),
        ({"event_time": "1970-01-01T00:00:00Z"}, "event_time is before 2000"),
        ({"event_time": 1e300}, "event_time is not a time in ISO 8601"),
        ({"event_time": {}}, "event_time is not a time"),
        ({"order_revenue": float("nan")}, "order_revenue is not a finite number"),
        ({"order_revenue": float("inf")}, "order_revenue is not a finite number"),
        ({"order_revenue": "nan"}, "order_revenue is not a finite number"),
        ({"order_revenue": "12 dollars"}, "order_revenue is not a number"),
        ({"order_revenue": 1e16}, "order_revenue is too large"),
        ({"value": [1]}, "value is not a number"),
        ({"blob": "x" * 70_000}, "item is larger than 65536 bytes"),
    ],
)
def test_a_bad_item_is_refused_with_its_field(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ItemError) as refused:
        parse_item(item(**values), NOW)
    assert str(refused.value) == reason


@pytest.mark.parametrize("odd", [None, 1, "x", [], [1]])
def test_what_is_no_object_is_refused(odd: Any) -> None:
    with pytest.raises(ItemError, match="item is not an object"):
        parse_item(odd, NOW)


def test_an_event_of_a_clock_that_is_a_little_ahead_is_taken() -> None:
    parse_item(item(event_time=(NOW + timedelta(hours=23)).isoformat()), NOW)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"order_revenue": "80.79", "currency": "usd"}, (Decimal("80.79"), "USD")),
        ({"order_revenue": 80.79}, (Decimal("80.79"), None)),
        ({"value": -5, "currency": "JPY"}, (Decimal(-5), "JPY")),
        ({"value": 0, "order_revenue": 7}, (Decimal(0), None)),
        ({"value": "", "order_revenue": 7}, (Decimal(7), None)),
        ({"currency": "euro"}, (None, None)),
    ],
)
def test_money_is_exact_and_its_currency_is_never_assumed(payload: dict[str, Any], expected: Any) -> None:
    assert money(payload) == expected


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from(
    ["storefront_id", "event_name", "event_time", "order_id", "event_id", "order_revenue", "t-value"]
)


@given(st.dictionaries(_NAMES | st.text(max_size=5), _JSON, max_size=6))
def test_whatever_is_said_is_read_or_refused(values: dict[str, Any]) -> None:
    try:
        read = parse_item({**item(), **values}, NOW)
    except ItemError:
        return
    assert len(str(read.identity)) <= 202
    json.dumps(read.payload, allow_nan=False)
