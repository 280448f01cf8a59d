"""The tagging server's adapter against a container with a client for the Measurement Protocol and a custom one."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.relay.mapping import built_in
from adapters.relay.port import Account, Outcome, RelayEvent, Told, Verdict
from adapters.relay.sgtm import Sgtm as Adapter
from deploy.sandbox.sgtm import Sgtm
from deploy.sandbox.standin import TOKEN
from schemas.relay.records import DestinationKind
from tests.build.sandbox import account, local_http, relay_event, standing_in

GA4 = {"client_type": "ga4", "measurement_id": "G-ABC123", "api_secret": TOKEN}
CUSTOM = {"client_type": "custom", "custom_endpoint_path": "/ingest", "custom_headers": {"X-Relay-Key": TOKEN}}


class Container:
    """A container at the stand-in, and the adapter that writes to it."""

    def __init__(self, adapter: Adapter, standin: Sgtm, address: str) -> None:
        self.adapter = adapter
        self.standin = standin
        self.address = address

    def of(self, configured: dict[str, Any]) -> Account:
        return account("sgtm", self.address, configured, kind=DestinationKind.SGTM)

    async def send(self, event: RelayEvent, configured: dict[str, Any]) -> Told:
        target = self.of(configured)
        return await self.adapter.send(target, [self.adapter.render(event, target, built_in("sgtm"))])

    async def said(self, event: RelayEvent, configured: dict[str, Any]) -> Outcome:
        return (await self.send(event, configured)).outcomes[0]


@pytest.fixture
async def container() -> AsyncIterator[Container]:
    standin = Sgtm()
    async with standing_in(standin) as address, local_http(timedelta(seconds=1)) as http:
        yield Container(Adapter(http), standin, address)


async def test_the_ga4_client_claims_the_measurement_protocol(container: Container) -> None:
    event = relay_event("o-1")
    assert (await container.said(event, GA4)).verdict is Verdict.DELIVERED
    (taken,) = container.standin.events()
    assert taken.id == event.downstream_id
    assert taken.event["event"]["params"]["storefront_id"] == "bosley"
    assert taken.event["timestamp_micros"] == int(event.event_time.timestamp() * 1_000_000)
    assert container.standin.dropped() == []


async def test_a_custom_client_gets_the_event_as_the_producer_sent_it(container: Container) -> None:
    event = relay_event("o-1", payload={"order_id": "o-1", "t-value": "aff_7", "event_name": "other", "x": [1]})
    assert (await container.said(event, CUSTOM)).verdict is Verdict.DELIVERED
    (taken,) = container.standin.events()
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


async def test_a_custom_client_that_does_not_know_us_stops_the_destination(container: Container) -> None:
    wrong = {**CUSTOM, "custom_headers": {"X-Relay-Key": "wrong"}}
    assert (await container.said(relay_event(), wrong)).verdict is Verdict.AUTH
    assert (await container.adapter.test(container.of(wrong))).verdict is Verdict.AUTH


async def test_a_path_that_no_client_claims_is_a_wrong_configuration_and_costs_no_event(container: Container) -> None:
    told = await container.said(relay_event(), {**CUSTOM, "custom_endpoint_path": "/nowhere"})
    assert told.verdict is Verdict.CONFIG
    assert "no client claims" in (told.reason or "")


async def test_what_a_client_refuses_is_refused_for_good(container: Container) -> None:
    told = await container.adapter.send(container.of(CUSTOM), [{"event_name": ""}])
    assert told.outcomes[0].verdict is Verdict.PERMANENT
    assert "event_name is required" in (told.outcomes[0].reason or "")


async def test_a_repeat_is_recognised_by_its_id(container: Container) -> None:
    for _ in range(2):
        await container.send(relay_event("o-1", event_type="lead"), GA4)
    (taken,) = container.standin.events()
    assert (taken.count, taken.conversions) == (2, 1)


async def test_no_secret_is_kept(container: Container) -> None:
    for configured in (GA4, CUSTOM):
        told = await container.send(relay_event(), configured)
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
@pytest.mark.parametrize("configured", [GA4, CUSTOM])
async def test_its_failures_are_told_apart(
    container: Container, configured: dict[str, Any], faults: dict[str, Any], verdict: Verdict
) -> None:
    container.standin.set_faults(**faults)
    assert (await container.said(relay_event(), configured)).verdict is verdict
