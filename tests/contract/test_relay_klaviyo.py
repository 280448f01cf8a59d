"""Klaviyo's adapter against a stand-in that follows Klaviyo's pages."""

from collections.abc import AsyncIterator

import pytest

from adapters.relay.klaviyo import Klaviyo as Adapter
from adapters.relay.port import Refused, Skipped, Verdict
from deploy.sandbox.klaviyo import Klaviyo
from deploy.sandbox.standin import TOKEN
from tests.build.partner import Partner, partner
from tests.build.sandbox import PERSON, relay_event


@pytest.fixture
async def klaviyo() -> AsyncIterator[Partner]:
    async with partner(Adapter, Klaviyo(), {"api_key": TOKEN}, "/api") as found:
        yield found


async def test_a_purchase_is_a_placed_order_of_a_profile(klaviyo: Partner) -> None:
    assert (await klaviyo.said(relay_event())).verdict is Verdict.DELIVERED
    (taken,) = klaviyo.taken()
    assert taken.id == "bosley:purchase_completed:o-1"
    assert taken.event["metric"]["data"]["attributes"]["name"] == "Placed Order"
    assert taken.event["profile"]["data"]["attributes"] == {
        "email": "Jane.Doe@Example.com",
        "phone_number": "+16505551212",
    }
    assert (taken.event["value"], taken.event["value_currency"]) == (129.5, "USD")


async def test_a_number_that_cannot_exist_costs_the_event_nothing(klaviyo: Partner) -> None:
    event = relay_event(user_data={"email": "jane@example.com", "phone": "555-12", "country": "us"})
    assert (await klaviyo.said(event)).verdict is Verdict.DELIVERED
    assert klaviyo.taken()[0].event["profile"]["data"]["attributes"] == {"email": "jane@example.com"}


async def test_an_id_of_the_shop_is_enough(klaviyo: Partner) -> None:
    event = relay_event(user_data={"email": "a" * 64, "customer_id": "c-7"})
    assert (await klaviyo.said(event)).verdict is Verdict.DELIVERED
    assert klaviyo.taken()[0].event["profile"]["data"]["attributes"] == {"external_id": "c-7"}


async def test_nobody_is_refused(klaviyo: Partner) -> None:
    with pytest.raises(Refused, match="identifies a profile"):
        klaviyo.render(relay_event(user_data={"email": "a" * 64}))


@pytest.mark.parametrize("purpose", ["marketing", "ad_user_data"])
async def test_without_consent_nothing_is_said(klaviyo: Partner, purpose: str) -> None:
    with pytest.raises(Skipped, match=purpose):
        klaviyo.render(relay_event(consent={purpose: False}))


async def test_a_repeat_is_one_conversion(klaviyo: Partner) -> None:
    await klaviyo.said(relay_event())
    await klaviyo.said(relay_event())
    assert (klaviyo.taken()[0].count, klaviyo.taken()[0].conversions) == (2, 1)


async def test_what_klaviyo_refuses_is_dead_with_its_reason(klaviyo: Partner) -> None:
    rendered = klaviyo.render(relay_event(user_data=PERSON))
    rendered["data"]["attributes"]["profile"]["data"]["attributes"]["phone_number"] = "650"
    outcome = await klaviyo.said(rendered)
    assert outcome.verdict is Verdict.PERMANENT
    assert "phone_number" in str(outcome.reason)


async def test_a_wrong_key_pauses_the_destination(klaviyo: Partner) -> None:
    stranger = klaviyo.with_credentials(api_key="wrong")
    assert (await stranger.said(relay_event())).verdict is Verdict.AUTH
    assert (await stranger.test()).verdict is Verdict.AUTH


async def test_the_test_counts_no_event(klaviyo: Partner) -> None:
    assert (await klaviyo.test()).verdict is Verdict.DELIVERED
    assert not klaviyo.taken()


async def test_the_revision_is_configuration(klaviyo: Partner) -> None:
    other = klaviyo.with_credentials(api_key=TOKEN, revision="soon")
    assert (await other.said(relay_event())).verdict is Verdict.PERMANENT


async def test_the_key_is_in_nothing_that_is_kept(klaviyo: Partner) -> None:
    assert TOKEN not in f"{await klaviyo.send(relay_event())}"


async def test_too_fast_waits_as_long_as_is_asked(klaviyo: Partner) -> None:
    klaviyo.standin.set_faults(error_rate_429=1, retry_after_s=120)
    outcome = await klaviyo.said(relay_event())
    assert outcome.verdict is Verdict.THROTTLED
    assert outcome.after is not None
    assert outcome.after.total_seconds() == 120
