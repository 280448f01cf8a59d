"""Google Analytics' adapter against a stand-in that says 204 to anything, as the Measurement Protocol does."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.relay.ga4 import Ga4 as Adapter
from adapters.relay.mapping import built_in
from adapters.relay.port import Account, Refused, RelayEvent, Skipped, Verdict
from deploy.sandbox.ga4 import Ga4
from deploy.sandbox.standin import TOKEN
from tests.build.sandbox import account, local_http, relay_event, standing_in


class Property:
    """A property at the stand-in, and the adapter that writes to it."""

    def __init__(self, adapter: Adapter, standin: Ga4, address: str) -> None:
        self.adapter = adapter
        self.standin = standin
        self.address = address
        self.account = self.of(TOKEN)

    def of(self, secret: str, measurement_id: str = "G-ABC123") -> Account:
        return account("ga4", self.address, {"measurement_id": measurement_id, "api_secret": secret})

    def render(self, event: RelayEvent) -> dict[str, Any]:
        return self.adapter.render(event, self.account, built_in("ga4"))

    async def send(self, event: RelayEvent, to: Account | None = None) -> Verdict:
        told = await self.adapter.send(to or self.account, [self.render(event)])
        assert TOKEN not in told.request + told.response
        return told.outcomes[0].verdict


@pytest.fixture
async def analytics() -> AsyncIterator[Property]:
    standin = Ga4()
    async with standing_in(standin) as address, local_http(timedelta(seconds=1)) as http:
        yield Property(Adapter(http), standin, address)


async def test_an_event_arrives_with_its_time_its_money_and_its_storefront(analytics: Property) -> None:
    event = relay_event("o-1")
    assert await analytics.send(event) is Verdict.DELIVERED
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


async def test_what_analytics_would_drop_in_silence_is_refused_here(analytics: Property) -> None:
    for name in ("1st", "ga_lead", "session_start", "a" * 41):
        with pytest.raises(Refused, match="cannot be the name"):
            analytics.render(relay_event(event_type=name))


async def test_whatever_a_producer_adds_is_cut_to_what_analytics_takes(analytics: Property) -> None:
    more = {f"extra_{number}": "x" * 300 for number in range(40)} | {"bad name": 1, "ga_x": 2, "email": "a@b.example"}
    event = relay_event(payload={"order_id": "o-1", **more})
    await analytics.send(event)
    assert analytics.standin.dropped() == []
    (taken,) = analytics.standin.events()
    assert "a@b.example" not in str(taken.event)


async def test_two_people_are_two_clients_and_one_is_always_the_same(analytics: Property) -> None:
    def client(session: str) -> str:
        said: str = analytics.render(relay_event(payload={"order_id": "o", "session_id": session}))["client_id"]
        return said

    assert client("s-1") == client("s-1") != client("s-2")


async def test_a_wrong_secret_looks_like_a_success(analytics: Property) -> None:
    """Why an account is tried before it is used, and why a 2xx is not called proof."""
    assert await analytics.send(relay_event(), to=analytics.of("wrong")) is Verdict.DELIVERED
    assert analytics.standin.events() == []
    assert analytics.standin.dropped()[0]["reason"] == "unknown measurement_id or api_secret"


async def test_the_validation_endpoint_is_asked_and_nothing_is_counted(analytics: Property) -> None:
    assert (await analytics.adapter.test(analytics.account)).verdict is Verdict.DELIVERED
    assert analytics.standin.counts()["events"] == 0


async def test_a_purchase_that_is_repeated_counts_once_and_another_event_twice(analytics: Property) -> None:
    for _ in range(2):
        await analytics.send(relay_event("o-1"))
        await analytics.send(relay_event("o-1", event_type="lead"))
    counted = {each.id: (each.count, each.conversions) for each in analytics.standin.events()}
    assert counted == {"bosley:purchase_completed:o-1": (2, 1), "bosley:lead:o-1": (2, 2)}


@pytest.mark.parametrize(
    ("faults", "verdict"),
    [
        ({"error_rate_429": 1}, Verdict.THROTTLED),
        ({"error_rate_500": 1}, Verdict.UNKNOWN),
        ({"down": True}, Verdict.TRANSIENT),
        ({"hang_rate": 1, "hang_s": 5}, Verdict.UNKNOWN),
    ],
)
async def test_its_failures_are_told_apart(analytics: Property, faults: dict[str, Any], verdict: Verdict) -> None:
    analytics.standin.set_faults(**faults)
    assert await analytics.send(relay_event()) is verdict


def test_who_said_no_is_not_told_of() -> None:
    with pytest.raises(Skipped, match="analytics"):
        Adapter.__new__(Adapter).render(
            relay_event(consent={"analytics": False}), account("ga4", "https://x.example", {}), built_in("ga4")
        )


def test_consent_is_passed_on_as_it_was_given() -> None:
    rendered = Adapter.__new__(Adapter).render(
        relay_event(consent={"ad_user_data": True, "ad_personalization": False}),
        account("ga4", "https://x.example", {}),
        built_in("ga4"),
    )
    assert rendered["consent"] == {"ad_user_data": "GRANTED", "ad_personalization": "DENIED"}
