"""Deliveries to one Meta pixel, from the tables to a stand-in and back, by a clock that the test turns."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from adapters.budgets import Budgets
from adapters.relay.http import Http
from adapters.relay.meta import Meta as Adapter
from adapters.vault import Vault, new_key
from brokers.delivery import Delivery as Carried
from deploy.sandbox.meta import Meta
from deploy.sandbox.standin import TOKEN
from handlers.relay.forwarding import Outside, send_deliveries
from persistence.uow import Uow
from schemas.relay.messages import SendDeliveries
from schemas.relay.records import Delivery, DeliveryState
from tests.build.records import NOON
from tests.build.relay import credential, delivery, event, platform, storefront
from tests.build.sandbox import PERSON, local_http, standing_in

STEP = timedelta(seconds=30)
HOUR = timedelta(hours=1)


class Pixel:
    """A storefront whose events go to a pixel at the stand-in, and the handler at work on them."""

    def __init__(self, uow: Uow, http: Http) -> None:
        self.uow = uow
        self.now = NOON
        self.standin = Meta(clock=self.seconds)
        self.vault = Vault([new_key()])
        self.outside = Outside({"meta_capi": Adapter(http)}, self.vault, Budgets.at(None))
        self.shop = self.destination = 0

    def seconds(self) -> float:
        return self.now.timestamp()

    async def configured(self, address: str) -> None:
        shop = await storefront(self.uow, domain="bosley.example")
        number = await platform(self.uow)
        async with self.uow() as tx:
            await tx.configuration.platforms.change(number, {"api_base_url": f"{address}/v23.0"})
        sealed = self.vault.seal({"access_token": TOKEN})
        await credential(self.uow, shop, credentials_encrypted=sealed, pixel_id="700100200")
        async with self.uow() as tx:
            self.destination = (await tx.destinations.of_storefronts([shop.id]))[shop.id][0].id
        self.shop = shop.id

    async def accept(self, ids: Sequence[str], **said: Any) -> None:
        payload = {"value": 12.5, "currency": "USD", "user_data": dict(PERSON), **said}
        events = [event(each, storefront_id=self.shop, event_payload=json.dumps(payload)) for each in ids]
        async with self.uow() as tx:
            await tx.events.add(events)
            numbers = await tx.events.numbers([each.identity or "" for each in events])
            made = [
                delivery(numbers[each.identity or ""], self.destination, downstream_id=each.identity) for each in events
            ]
            await tx.event_deliveries.add(made)

    async def send(self) -> None:
        message = SendDeliveries(destination_id=self.destination)
        carried = Carried(message=message, message_id="w", is_derived=False, key="", observed_at=self.now, raw=b"")
        await send_deliveries(carried, self.uow, lambda: self.now, self.outside)

    async def keep_sending(self, during: timedelta) -> None:
        until = self.now + during
        while self.now < until:
            await self.send()
            self.now += STEP

    async def deliveries(self) -> list[Delivery]:
        async with self.uow() as tx:
            return await tx.event_deliveries.listed(limit=10_000)

    async def states(self) -> set[DeliveryState]:
        return {each.state for each in await self.deliveries()}


@pytest.fixture
async def pixel(uow: Uow) -> AsyncIterator[Pixel]:
    async with local_http() as http:
        pixel = Pixel(uow, http)
        async with standing_in(pixel.standin) as address:
            await pixel.configured(address)
            yield pixel


async def test_four_thousand_events_take_four_calls(pixel: Pixel) -> None:
    await pixel.accept([f"o-{number}" for number in range(4000)])
    await pixel.send()
    counts = pixel.standin.counts()
    assert (counts["calls"], counts["events"], counts["ids"]) == (4, 4000, 4000)
    assert await pixel.states() == {DeliveryState.DELIVERED}


async def test_one_poisoned_event_among_thousands_is_found_in_few_calls(pixel: Pixel) -> None:
    async with pixel.uow() as tx:  # a field of an operator's own, which Meta refuses where it is no number
        own = {"events": {"purchase_completed": "Purchase"}, "fields": {"promised": "value"}}
        await tx.configuration.add_mapping(pixel.shop, "meta_capi", own)
    await pixel.accept([f"o-{number}" for number in range(500)])
    await pixel.accept(["poison"], promised="much")
    await pixel.accept([f"p-{number}" for number in range(3499)])
    await pixel.send()
    dead = [each for each in await pixel.deliveries() if each.state is not DeliveryState.DELIVERED]
    assert [each.downstream_id for each in dead] == ["bosley:purchase_completed:poison"]
    assert "custom_data.value" in (dead[0].reason or "")
    counts = pixel.standin.counts()
    assert (counts["events"], counts["ids"]) == (3999, 3999)
    assert counts["calls"] <= 4 + 2 * 10


async def test_events_that_are_too_old_enter_no_batch(pixel: Pixel) -> None:
    await pixel.accept(["o-1", "o-2"])
    pixel.now += timedelta(days=7, seconds=1)
    await pixel.send()
    assert pixel.standin.counts()["calls"] == 0
    assert await pixel.states() == {DeliveryState.DEAD}


async def test_an_outage_of_an_hour_loses_nothing_and_counts_nothing_twice(pixel: Pixel) -> None:
    """The destination is down, then slow to recover: told to slow down, failing, and failing after it took events."""
    await pixel.accept([f"o-{number}" for number in range(200)])
    pixel.standin.set_faults(down=True)
    await pixel.keep_sending(HOUR)
    assert await pixel.states() == {DeliveryState.PENDING}
    assert pixel.standin.counts()["calls"] <= 30, "a destination that is down is left alone"
    pixel.standin.set_faults(error_rate_500=0.5, error_rate_429=0.3, retry_after_s=60, seed=7)
    async with asyncio.timeout(120):
        for _ in range(12):
            await pixel.accept([f"late-{pixel.now.timestamp()}"])
            await pixel.keep_sending(timedelta(minutes=5))
        pixel.standin.set_faults()
        await pixel.keep_sending(HOUR)
    assert await pixel.states() == {DeliveryState.DELIVERED}
    taken = pixel.standin.events()
    assert {each.id for each in taken} == {each.downstream_id for each in await pixel.deliveries()}
    assert {each.conversions for each in taken} == {1}
    assert all(each.delivered_at and each.delivered_at < each.expires_at for each in await pixel.deliveries())
