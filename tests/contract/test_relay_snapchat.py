"""Snapchat's adapter against a stand-in that follows Snapchat's pages."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from adapters.relay.port import Refused, Skipped, Verdict
from adapters.relay.snapchat import Snapchat as Adapter
from deploy.sandbox.standin import answer
from tests.build.destinations import Destination, destination
from tests.build.sandbox import PERSON, account, relay_event


@pytest.fixture
async def pixel() -> AsyncIterator[Destination]:
    async with destination("snapchat_capi") as made:
        yield made


async def test_an_event_arrives_as_snapchat_documents_it(pixel: Destination) -> None:
    event = relay_event("o-1", user_data={**PERSON, "sc_click_id": "sc-1"})
    event.payload["items"] = [{"id": "A-1", "quantity": 2, "price": 10.5}]  # type: ignore[index]
    assert (await pixel.said(event)).verdict is Verdict.DELIVERED
    (taken,) = pixel.taken()
    assert {name: taken[name] for name in ("event_name", "event_time", "action_source", "event_source_url")} == {
        "event_name": "PURCHASE",
        "event_time": int(event.event_time.timestamp()),
        "action_source": "WEB",
        "event_source_url": "https://bosley.example/checkout",
    }
    assert taken["custom_data"] == {
        "order_id": "o-1",
        "currency": "USD",
        "value": "129.50",
        "contents": [{"id": "A-1", "quantity": "2", "item_price": "10.5"}],
        "num_items": "2",
    }
    user = taken["user_data"]
    hashed = {"em": "jane.doe@example.com", "ph": "16505551212", "fn": "jane", "ct": "menlopark", "zp": "94025"}
    assert {name: user[name] for name in hashed} == {
        name: [sha256(value.encode()).hexdigest()] for name, value in hashed.items()
    }
    assert (user["client_ip_address"], user["sc_click_id"]) == ("203.0.113.7", "sc-1")


def test_digests_are_those_that_snapchat_publishes() -> None:
    """Known answers of …/Conversions-API/Parameters."""
    person = {"email": "Person@Example.com", "phone": "+44 844 412 4653", "first_name": "Raphaël"}
    adapter = Adapter.__new__(Adapter)
    rendered = adapter.render(relay_event(user_data=person), account("snapchat_capi", "https://snap.example", {}), {})
    assert rendered["user_data"] == {
        "em": ["542d240129883c019e106e3b1b2d3f3cb3537c43c425364de8e951d5a3083345"],
        "ph": ["dc008fda46e2e64002cf2f82a4906236282d431c4f75e5b60bfe79fc48546383"],
        "fn": ["e74bb89e718fe1e19c422a48382870399f8bf7ca8dfa008739e75b0be76627b7"],
    }


async def test_one_bad_event_spoils_its_batch_and_alone_it_is_refused_for_good(pixel: Destination) -> None:
    stale = relay_event("old", event_time=relay_event().event_time - timedelta(days=38))
    told = await pixel.send(relay_event("o-1"), stale)
    assert [each.verdict for each in told.outcomes] == [Verdict.SPLIT] * 2
    assert pixel.taken() == []
    refused = await pixel.said(stale)
    assert refused.verdict is Verdict.PERMANENT
    assert "INVALID: data[0]: Timestamp invalid or out of range" in (refused.reason or "")


async def test_milliseconds_and_plain_addresses_would_be_refused(pixel: Destination) -> None:
    good = pixel.render(relay_event())
    assert (await pixel.said({**good, "event_time": good["event_time"] * 1000})).verdict is Verdict.PERMANENT
    plain = {**good, "user_data": {**good["user_data"], "em": ["jane.doe@example.com"]}}
    assert "Unhashed PII" in ((await pixel.said(plain)).reason or "")


async def test_a_refusal_in_a_good_answer_is_a_refusal(pixel: Destination) -> None:
    pixel.standin.set_faults(error_rate_500=1)
    pixel.standin.broken = lambda: answer(200, {"status": "INVALID", "reason": "odd"})  # type: ignore[method-assign]
    assert (await pixel.said(relay_event())).verdict is Verdict.PERMANENT
    assert (await pixel.said(relay_event("o-1"), relay_event("o-2"))).verdict is Verdict.SPLIT


async def test_consent_is_obeyed(pixel: Destination) -> None:
    with pytest.raises(Skipped, match="ad_user_data"):
        pixel.render(relay_event(consent={"ad_user_data": False}))
    assert pixel.render(relay_event(consent={"ad_personalization": False}))["data_processing_options"] == ["LMU"]


async def test_a_lead_is_no_registration(pixel: Destination) -> None:
    assert pixel.render(relay_event(event_type="lead"))["event_name"] == "CUSTOM_EVENT_1"
    assert pixel.render(relay_event(event_type="signup"))["event_name"] == "SIGN_UP"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"value": None}, "value"),
        ({"currency": None}, "currency"),
        ({"user_data": {"first_name": "Jane", "client_ip_address": "203.0.113.7"}}, "user agent"),
    ],
)
async def test_what_snapchat_would_refuse_is_refused_before_it_spoils_a_batch(
    pixel: Destination, values: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        pixel.render(relay_event(**values))
