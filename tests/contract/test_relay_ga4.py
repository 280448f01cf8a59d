"""Google Analytics' adapter against a stand-in that says 204 to anything, as the Measurement Protocol does."""

from collections.abc import AsyncIterator

import pytest

from adapters.relay.port import Refused, Verdict
from tests.build.destinations import Destination, destination
from tests.build.sandbox import relay_event


@pytest.fixture
async def analytics() -> AsyncIterator[Destination]:
    async with destination("ga4") as made:
        yield made


async def test_an_event_arrives_with_its_time_its_money_and_its_storefront(analytics: Destination) -> None:
    event = relay_event("o-1")
    assert (await analytics.said(event)).verdict is Verdict.DELIVERED
    (taken,) = analytics.standin.events()
    assert taken.id == "bosley:purchase_completed:o-1"
    assert taken.event["timestamp_micros"] == int(event.event_time.timestamp() * 1_000_000)
    sent = taken.event["event"]
    assert sent["name"] == "purchase"
    assert (
        sent["params"].items()
        >= {
            "transaction_id": "o-1",
            "storefront_id": "bosley",
            "currency": "USD",
            "value": 129.5,
        }.items()
    )
    assert analytics.standin.dropped() == []


async def test_what_analytics_would_drop_in_silence_is_refused_here(analytics: Destination) -> None:
    for name in ("1st", "ga_lead", "session_start", "a" * 41):
        with pytest.raises(Refused, match="cannot be the name"):
            analytics.render(relay_event(event_type=name))


async def test_whatever_a_producer_adds_is_cut_to_what_analytics_takes(analytics: Destination) -> None:
    more = {f"extra_{number}": "x" * 300 for number in range(40)} | {"bad name": 1, "ga_x": 2, "email": "a@b.example"}
    event = relay_event(payload={"order_id": "o-1", **more})
    await analytics.send(event)
    assert analytics.standin.dropped() == []
    (taken,) = analytics.standin.events()
    assert "a@b.example" not in str(taken.event)


async def test_two_people_are_two_clients_and_one_is_always_the_same(analytics: Destination) -> None:
    def client(session: str) -> str:
        said: str = analytics.render(relay_event(payload={"order_id": "o", "session_id": session}))["client_id"]
        return said

    assert client("s-1") == client("s-1") != client("s-2")


async def test_a_wrong_secret_looks_like_a_success(analytics: Destination) -> None:
    """Why an account is tried before it is used, and why a 2xx is not called proof."""
    assert (await analytics.but(api_secret="wrong").said(relay_event())).verdict is Verdict.DELIVERED
    assert analytics.standin.events() == []
    assert analytics.standin.dropped()[0]["reason"] == "unknown measurement_id or api_secret"


async def test_the_validation_endpoint_is_asked_and_nothing_is_counted(analytics: Destination) -> None:
    assert (await analytics.test()).verdict is Verdict.DELIVERED
    assert analytics.standin.counts()["events"] == 0


async def test_a_purchase_that_is_repeated_counts_once_and_another_event_twice(analytics: Destination) -> None:
    for _ in range(2):
        await analytics.send(relay_event("o-1"))
        await analytics.send(relay_event("o-1", event_type="lead"))
    counted = {each.id: (each.count, each.conversions) for each in analytics.standin.events()}
    assert counted == {"bosley:purchase_completed:o-1": (2, 1), "bosley:lead:o-1": (2, 2)}
    recognises = analytics.adapter.limits.recognises
    assert recognises(analytics.render(relay_event("o-1")))
    assert not recognises(analytics.render(relay_event("o-1", event_type="lead")))


async def test_consent_is_passed_on_as_it_was_given(analytics: Destination) -> None:
    rendered = analytics.render(relay_event(consent={"ad_user_data": True, "ad_personalization": False}))
    assert rendered["consent"] == {"ad_user_data": "GRANTED", "ad_personalization": "DENIED"}
