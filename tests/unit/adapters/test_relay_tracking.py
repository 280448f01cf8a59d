"""What analytics and engagement platforms are told of an event, and what never."""

from typing import Any

import orjson
import pytest

from adapters.relay import tracking
from adapters.relay.amplitude import Amplitude
from adapters.relay.generic import GenericHttp
from adapters.relay.klaviyo import Klaviyo
from adapters.relay.mapping import built_in
from adapters.relay.mixpanel import Mixpanel
from adapters.relay.port import Adapter
from adapters.relay.segment import Segment
from tests.build.sandbox import PERSON, account, relay_event


def props(event: Any, **mapping: Any) -> dict[str, Any]:
    return tracking.properties(event, {"version": 1, **mapping}, most=100, longest=1000)


def test_money_and_shop_are_properties() -> None:
    found = props(relay_event())
    assert found["value"] == 129.5
    assert found["currency"] == "USD"
    assert found["storefront_id"] == "bosley"
    assert found["order_id"] == "o-1"


def test_what_else_the_producer_says_is_a_property() -> None:
    found = props(relay_event(payload={"t_value": "aff", "utm_source": "bing", "is_new": True, "empty": ""}))
    assert (found["t_value"], found["utm_source"], found["is_new"]) == ("aff", "bing", True)
    assert "empty" not in found


@pytest.mark.parametrize("name", ["email", "phone", "first_name", "zip", "client_ip_address", "city", "user_agent"])
def test_personal_data_is_no_property(name: str) -> None:
    assert name not in props(relay_event(payload={name: "x"}))


def test_what_is_nested_is_no_property_unless_a_mapping_names_it() -> None:
    event = relay_event(payload={"billing": {"email": "jane@example.com"}, "tags": ["a"]})
    assert not {"billing", "tags"} & set(props(event))
    assert props(event, fields={"tags": "labels"})["labels"] == ["a"]


def test_items_go_with_it_without_what_is_personal() -> None:
    event = relay_event(
        payload={"products": [{"sku": "a", "price": 3, "email": "x@example.com", "for": {"name": "J"}}, 7]}
    )
    assert props(event)["items"] == [{"sku": "a", "price": 3}]


def test_a_mapping_may_rename_a_field() -> None:
    assert props(relay_event(payload={"t_value": "aff"}), fields={"t_value": "affiliate"})["affiliate"] == "aff"


def test_there_are_only_so_many_properties_and_their_texts_are_cut() -> None:
    event = relay_event(payload={f"field_{at}": "x" * 50 for at in range(100)})
    found = tracking.properties(event, {}, most=20, longest=10)
    assert len(found) == 20
    assert max(len(value) for value in found.values() if isinstance(value, str)) == 10


@pytest.mark.parametrize("nobody", ["", "0", "anonymous", "NULL", " undefined ", None])
def test_a_placeholder_is_nobody(nobody: str | None) -> None:
    assert tracking.user(relay_event(user_data={"external_id": nobody})) is None


def test_a_visitor_is_who_the_tag_says() -> None:
    assert tracking.visitor(relay_event(payload={"client_id": "1180.7721", "session_id": "s"})) == "1180.7721"


def test_a_visitor_is_made_of_the_address_and_does_not_tell_it() -> None:
    first = tracking.visitor(relay_event("o-1", payload={}, user_data={"email": "Jane@example.com"}))
    second = tracking.visitor(relay_event("o-2", payload={}, user_data={"email": "jane@example.com "}))
    assert first == second
    assert "jane" not in first


def test_strangers_are_not_one_visitor() -> None:
    nobody: dict[str, Any] = {"payload": {}, "user_data": {}}
    assert tracking.visitor(relay_event("o-1", **nobody)) != tracking.visitor(relay_event("o-2", **nobody))


def test_one_person_is_two_visitors_in_two_shops() -> None:
    here = relay_event(payload={})
    assert tracking.visitor(here) != tracking.visitor(relay_event(payload={}, storefront_code="lumen"))


def test_a_long_id_is_its_digest_always_the_same() -> None:
    event = relay_event("o" * 100)
    assert len(tracking.repeat_id(event, 36)) == 36
    assert tracking.repeat_id(event, 36) == tracking.repeat_id(event, 36)
    assert tracking.repeat_id(relay_event(), 100) == "bosley:purchase_completed:o-1"


@pytest.mark.parametrize(
    ("who", "number"),
    [
        ({"phone": "(650) 555-1212", "country": "us"}, "+16505551212"),
        ({"phone": "+44 20 7946 0018"}, "+442079460018"),
        ({"phone": "(650) 555-1212"}, None),
        ({"phone": "555", "country": "us"}, None),
        ({"phone": "a" * 64, "country": "us"}, None),
        ({}, None),
    ],
)
def test_a_number_is_somebodys_or_none(who: dict[str, Any], number: str | None) -> None:
    assert tracking.telephone(who) == number


@pytest.mark.parametrize("make", [Segment, Amplitude, Mixpanel, GenericHttp])
def test_no_contact_leaves_for_a_platform_that_needs_none(make: Any) -> None:
    adapter: Adapter = make(None)
    event = relay_event(payload={"order_id": "o-1", **PERSON})
    text = orjson.dumps(adapter.render(event, account(adapter.code, "", {}), built_in(adapter.code))).decode().lower()
    for part in ("jane", "doe", "555", "94025", "menlo", "203.0.113", "mozilla"):
        assert part not in text


@pytest.mark.parametrize(("make", "name"), [(Segment, "revenue"), (Amplitude, "revenue"), (Klaviyo, "value_currency")])
def test_a_number_without_a_currency_is_nobodys_revenue(make: Any, name: str) -> None:
    adapter: Adapter = make(None)
    paid, unclear = (
        orjson.dumps(adapter.render(each, account(adapter.code, "", {}), built_in(adapter.code))).decode()
        for each in (relay_event(), relay_event(currency=None))
    )
    assert f'"{name}"' in paid
    assert f'"{name}"' not in unclear
    assert '"value":129.5' in unclear


def test_an_account_may_be_in_another_region_unless_all_go_elsewhere() -> None:
    default, regions = "https://api.example", {"eu": "https://eu.example"}
    assert tracking.regional(account("x", default, {}), default, regions) == default
    assert tracking.regional(account("x", default, {"region": "us"}), default, regions) == default
    assert tracking.regional(account("x", default, {"region": "eu"}), default, regions) == "https://eu.example"
    assert tracking.regional(account("x", "http://sandbox", {"region": "eu"}), default, regions) == "http://sandbox"
