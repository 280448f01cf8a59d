"""The tagging server's adapter against a container with a client for the Measurement Protocol and a custom one."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.relay.port import Verdict
from deploy.sandbox.standin import TOKEN
from tests.build.destinations import Destination, destination
from tests.build.sandbox import relay_event

CUSTOM = {"client_type": "custom", "custom_endpoint_path": "/ingest", "custom_headers": {"X-Relay-Key": TOKEN}}


@pytest.fixture
async def container() -> AsyncIterator[Destination]:
    async with destination("sgtm") as made:
        yield made


@pytest.fixture
def custom(container: Destination) -> Destination:
    """The same container, spoken to as its custom client."""
    return container.other(credentials=CUSTOM)


async def test_the_ga4_client_claims_the_measurement_protocol(container: Destination) -> None:
    event = relay_event("o-1")
    assert (await container.said(event)).verdict is Verdict.DELIVERED
    (taken,) = container.standin.events()
    assert taken.id == event.downstream_id
    assert taken.event["event"]["params"]["storefront_id"] == "bosley"
    assert taken.event["timestamp_micros"] == int(event.event_time.timestamp() * 1_000_000)
    assert container.standin.dropped() == []


async def test_a_custom_client_gets_the_event_as_the_producer_sent_it(custom: Destination) -> None:
    event = relay_event("o-1", payload={"order_id": "o-1", "t-value": "aff_7", "event_name": "other", "x": [1]})
    assert (await custom.said(event)).verdict is Verdict.DELIVERED
    (taken,) = custom.standin.events()
    assert taken.event == {
        "order_id": "o-1",
        "t-value": "aff_7",
        "x": [1],
        "order_revenue": "129.50",
        "event_name": "purchase_completed",
        "storefront_id": "bosley",
        "event_id": "bosley:purchase_completed:o-1",
        "event_time": event.event_time.isoformat().replace("+00:00", "Z"),
    }


async def test_a_custom_client_that_does_not_know_us_stops_the_destination(custom: Destination) -> None:
    wrong = custom.but(custom_headers={"X-Relay-Key": "wrong"})
    assert (await wrong.said(relay_event())).verdict is Verdict.AUTH
    assert (await wrong.test()).verdict is Verdict.AUTH


async def test_a_path_that_no_client_claims_is_a_wrong_configuration_and_costs_no_event(custom: Destination) -> None:
    told = await custom.but(custom_endpoint_path="/nowhere").said(relay_event())
    assert told.verdict is Verdict.CONFIG
    assert "no client claims" in (told.reason or "")


async def test_what_a_client_refuses_is_refused_for_good(custom: Destination) -> None:
    told = await custom.said({"event_name": ""})
    assert told.verdict is Verdict.PERMANENT
    assert "event_name is required" in (told.reason or "")


async def test_a_repeat_is_recognised_by_its_id(container: Destination) -> None:
    for _ in range(2):
        await container.send(relay_event("o-1", event_type="lead"))
    (taken,) = container.standin.events()
    assert (taken.count, taken.conversions) == (2, 1)


async def test_no_secret_is_kept(container: Destination, custom: Destination) -> None:
    for client in (container, custom):
        told = await client.send(relay_event())
        assert TOKEN not in told.request + told.response


@pytest.mark.parametrize(
    ("faults", "verdict"),
    [
        ({"error_rate_429": 1}, Verdict.THROTTLED),
        ({"error_rate_500": 1}, Verdict.UNKNOWN),
        ({"down": True}, Verdict.TRANSIENT),
        ({"hang_rate": 1, "hang_s": 5}, Verdict.UNKNOWN),
    ],
)
async def test_the_failures_of_a_custom_client_are_told_apart(
    custom: Destination, faults: dict[str, Any], verdict: Verdict
) -> None:
    custom.standin.set_faults(**faults)
    assert (await custom.said(relay_event())).verdict is verdict
