"""Every analytics and engagement platform at once, each at its stand-in: all events arrive, whatever goes wrong."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.budgets import Budgets
from adapters.relay.registry import adapters
from adapters.vault import Vault, new_key
from brokers.delivery import Delivery as Carried
from deploy.sandbox.amplitude import Amplitude
from deploy.sandbox.braze import Braze
from deploy.sandbox.generic import Generic
from deploy.sandbox.klaviyo import Klaviyo
from deploy.sandbox.mixpanel import Mixpanel
from deploy.sandbox.segment import Segment
from deploy.sandbox.standin import TOKEN, Standin
from handlers.relay.forwarding import Outside, send_deliveries
from persistence.uow import Uow
from schemas.relay.messages import SendDeliveries
from schemas.relay.records import Delivery, DeliveryState
from tests.build.relay import credential, delivery, event, platform, storefront
from tests.build.sandbox import local_http, standing_in

EVENTS = 40
#: code → what stands in, its path, and the name of the secret
PARTNERS: dict[str, tuple[type[Standin], str, str]] = {
    "segment": (Segment, "/v1", "write_key"),
    "klaviyo": (Klaviyo, "/api", "api_key"),
    "braze": (Braze, "", "api_key"),
    "amplitude": (Amplitude, "", "api_key"),
    "mixpanel": (Mixpanel, "", "token"),
    "generic_http": (Generic, "/events", "bearer_token"),
}


class Partners:
    """A storefront with an account at each of them, and the handler at work."""

    def __init__(self, uow: Uow, outside: Outside, standins: dict[str, Standin]) -> None:
        self.uow = uow
        self.outside = outside
        self.standins = standins
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.destinations: dict[str, int] = {}

    async def configured(self, addresses: dict[str, str]) -> "Partners":
        shop = await storefront(self.uow)
        for code, (_, path, secret) in PARTNERS.items():
            await platform(self.uow, code, api_base_url=f"{addresses[code]}{path}")
            await credential(self.uow, shop, code, credentials_encrypted=self.outside.vault.seal({secret: TOKEN}))
        async with self.uow() as tx:
            found = (await tx.destinations.of_storefronts([shop.id]))[shop.id]
            self.destinations = {each.platform_code: each.id for each in found}
            events = [self._event(number, shop.id) for number in range(EVENTS)]
            await tx.events.add(events)
            numbers = await tx.events.numbers([each.identity or "" for each in events])
            due: Any = {"next_attempt_at": self.now, "expires_at": self.now + timedelta(days=2)}
            await tx.event_deliveries.add(
                [
                    delivery(numbers[each.identity or ""], to, downstream_id=each.identity, **due)
                    for each in events
                    for to in self.destinations.values()
                ]
            )
        return self

    def _event(self, number: int, shop: int) -> Any:
        said = {"order_id": f"o-{number}", "value": 10, "currency": "USD", "user_data": {"customer_id": f"c-{number}"}}
        return event(f"o-{number}", storefront_id=shop, event_payload=json.dumps(said), event_time=self.now)

    async def send(self) -> None:
        """One turn of every destination; then time passes."""
        for number in self.destinations.values():
            said = SendDeliveries(destination_id=number)
            carried = Carried(message=said, message_id="w", is_derived=False, key="", observed_at=self.now, raw=b"")
            await send_deliveries(carried, self.uow, lambda: self.now, self.outside)
        self.now += timedelta(minutes=6)

    async def of(self, code: str) -> list[Delivery]:
        async with self.uow() as tx:
            return await tx.event_deliveries.listed(destination_id=self.destinations[code], limit=1000)

    async def open(self) -> int:
        found = [each for code in PARTNERS for each in await self.of(code)]
        return sum(each.state in {DeliveryState.PENDING, DeliveryState.SENDING} for each in found)


@pytest.fixture
async def partners(uow: Uow) -> AsyncIterator[Partners]:
    standins = {code: make() for code, (make, _, _) in PARTNERS.items()}
    async with AsyncExitStack() as stack:
        addresses = {code: await stack.enter_async_context(standing_in(each)) for code, each in standins.items()}
        http = await stack.enter_async_context(local_http(timedelta(seconds=1)))
        outside = Outside(adapters(http), Vault([new_key()]), Budgets.at(None))
        yield await Partners(uow, outside, standins).configured(addresses)


async def test_every_event_arrives_everywhere_once(partners: Partners) -> None:
    await partners.send()
    for code, standin in partners.standins.items():
        assert {each.state for each in await partners.of(code)} == {DeliveryState.DELIVERED}
        counts = standin.counts()
        assert (code, counts["ids"], counts["conversions"], counts["refused"]) == (code, EVENTS, EVENTS, 0)
    assert partners.standins["segment"].counts()["calls"] == 1
    assert partners.standins["klaviyo"].counts()["calls"] == EVENTS


async def test_what_goes_wrong_costs_no_event_and_counts_none_twice(partners: Partners) -> None:
    for seed, standin in enumerate(partners.standins.values()):
        standin.set_faults(error_rate_429=0.1, error_rate_500=0.2, seed=seed)
    for _ in range(40):
        await partners.send()
        if not await partners.open():
            break
    for code, standin in partners.standins.items():
        done = await partners.of(code)
        assert standin.counts()["conversions"] == standin.counts()["ids"]
        if code == "braze":  # it recognises no repeat, so that what it may have taken is left to an operator
            assert {each.state for each in done} <= {DeliveryState.DELIVERED, DeliveryState.DEAD}
            assert all("repeat" in str(each.reason) for each in done if each.state is DeliveryState.DEAD)
        else:
            assert (code, {each.state for each in done}) == (code, {DeliveryState.DELIVERED})
            assert (code, standin.counts()["ids"]) == (code, EVENTS)


async def test_one_that_is_down_keeps_the_others_from_nothing(partners: Partners) -> None:
    partners.standins["mixpanel"].set_faults(down=True)
    await partners.send()
    for code in PARTNERS:
        wanted = DeliveryState.PENDING if code == "mixpanel" else DeliveryState.DELIVERED
        assert (code, {each.state for each in await partners.of(code)}) == (code, {wanted})
    partners.standins["mixpanel"].set_faults()
    for _ in range(5):
        await partners.send()
    assert {each.state for each in await partners.of("mixpanel")} == {DeliveryState.DELIVERED}
