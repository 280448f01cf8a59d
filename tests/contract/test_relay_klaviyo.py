"""Klaviyo's adapter against a stand-in that follows Klaviyo's pages."""

from collections.abc import AsyncIterator

import pytest

from adapters.relay.port import Refused, Verdict
from deploy.sandbox.standin import TOKEN
from tests.build.destinations import Destination, destination
from tests.build.sandbox import PERSON, relay_event


@pytest.fixture
async def klaviyo() -> AsyncIterator[Destination]:
    async with destination("klaviyo") as made:
        yield made


async def test_a_purchase_is_a_placed_order_of_a_profile(klaviyo: Destination) -> None:
    assert (await klaviyo.said(relay_event())).verdict is Verdict.DELIVERED
    (taken,) = klaviyo.standin.events()
    assert taken.id == "bosley:purchase_completed:o-1"
    assert taken.event["metric"]["data"]["attributes"]["name"] == "Placed Order"
    assert taken.event["profile"]["data"]["attributes"] == {
        "email": "Jane.Doe@Example.com",
        "phone_number": "+16505551212",
    }
    assert (taken.event["value"], taken.event["value_currency"]) == (129.5, "USD")


async def test_a_number_that_cannot_exist_costs_the_event_nothing(klaviyo: Destination) -> None:
    event = relay_event(user_data={"email": "jane@example.com", "phone": "555-12", "country": "us"})
    assert (await klaviyo.said(event)).verdict is Verdict.DELIVERED
    assert klaviyo.standin.events()[0].event["profile"]["data"]["attributes"] == {"email": "jane@example.com"}


async def test_an_id_of_the_shop_is_enough(klaviyo: Destination) -> None:
    event = relay_event(user_data={"email": "a" * 64, "customer_id": "c-7"})
    assert (await klaviyo.said(event)).verdict is Verdict.DELIVERED
    assert klaviyo.standin.events()[0].event["profile"]["data"]["attributes"] == {"external_id": "c-7"}


async def test_nobody_is_refused(klaviyo: Destination) -> None:
    with pytest.raises(Refused, match="identifies a profile"):
        klaviyo.render(relay_event(user_data={"email": "a" * 64}))


async def test_what_klaviyo_refuses_is_dead_with_its_reason(klaviyo: Destination) -> None:
    rendered = klaviyo.render(relay_event(user_data=PERSON))
    rendered["data"]["attributes"]["profile"]["data"]["attributes"]["phone_number"] = "650"
    outcome = await klaviyo.said(rendered)
    assert outcome.verdict is Verdict.PERMANENT
    assert "phone_number" in str(outcome.reason)


async def test_the_revision_is_configuration(klaviyo: Destination) -> None:
    other = klaviyo.other(credentials={"api_key": TOKEN, "revision": "soon"})
    assert (await other.said(relay_event())).verdict is Verdict.PERMANENT
