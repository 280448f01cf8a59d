"""LinkedIn, Microsoft, X and Google Ads at once, each at its stand-in: all events arrive, whatever goes wrong."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.budgets import Budgets
from adapters.relay.registry import adapters
from adapters.vault import Vault, new_key
from brokers.delivery import Delivery as Carried
from deploy.sandbox import google_ads, x
from deploy.sandbox.linkedin import LinkedIn
from deploy.sandbox.microsoft import Microsoft
from deploy.sandbox.standin import TOKEN, Standin
from handlers.relay.forwarding import Outside, send_deliveries
from persistence.uow import Uow
from schemas.relay.messages import SendDeliveries
from schemas.relay.records import Delivery, DeliveryState
from tests.build.relay import credential, delivery, event, platform, storefront
from tests.build.sandbox import local_http, standing_in

EVENTS = 60
STANDINS: dict[str, tuple[type[Standin], str]] = {
    "linkedin_capi": (LinkedIn, "/rest"),
    "microsoft_ads": (Microsoft, "/v1"),
    "twitter_capi": (x.X, "/12"),
    "google_ads": (google_ads.GoogleAds, "/v1"),
}


def credentials(code: str, address: str) -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = {
        "linkedin_capi": {"access_token": TOKEN, "conversion_id": "4455"},
        "microsoft_ads": {"access_token": TOKEN, "tag_id": "187012345"},
        "twitter_capi": {
            "consumer_key": x.CONSUMER_KEY,
            "consumer_secret": x.CONSUMER_SECRET,
            "access_token": TOKEN,
            "access_token_secret": x.TOKEN_SECRET,
            "pixel_id": "o8z6j",
            "event_id": "o87ne",
        },
        "google_ads": {
            "client_id": google_ads.CLIENT_ID,
            "client_secret": google_ads.CLIENT_SECRET,
            "refresh_token": TOKEN,
            "token_uri": f"{address}/token",
            "customer_id": "5550001111",
            "conversion_action_id": "90210",
        },
    }
    return known[code]


class Advertiser:
    """A storefront with an account at each of them, and the handler at work."""

    def __init__(self, uow: Uow, outside: Outside, standins: dict[str, Standin]) -> None:
        self.uow = uow
        self.outside = outside
        self.standins = standins
        self.began = self.now = datetime.now(UTC).replace(microsecond=0)
        self.shop = 0
        self.destinations: dict[str, int] = {}

    async def configured(self, addresses: dict[str, str]) -> "Advertiser":
        shop = await storefront(self.uow)
        self.shop = shop.id
        for code, (_, path) in STANDINS.items():
            await platform(self.uow, code, api_base_url=f"{addresses[code]}{path}")
            sealed = self.outside.vault.seal(credentials(code, addresses[code]))
            await credential(self.uow, shop, code, credentials_encrypted=sealed)
        async with self.uow() as tx:
            found = (await tx.destinations.of_storefronts([shop.id]))[shop.id]
            self.destinations = {each.platform_code: each.id for each in found}
        return self

    async def accept(self, *ids: str, at: timedelta = timedelta()) -> None:
        async with self.uow() as tx:
            events = [self._event(each, at) for each in ids]
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

    def _event(self, name: str, at: timedelta) -> Any:
        person = {"email": f"{name}@example.com"}
        said = {"order_id": name, "value": 10, "currency": "USD", "user_data": person}
        return event(name, storefront_id=self.shop, event_payload=json.dumps(said), event_time=self.began + at)

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

    async def is_done(self) -> bool:
        found = [each for code in STANDINS for each in await self.of(code)]
        return not any(each.state in {DeliveryState.PENDING, DeliveryState.SENDING} for each in found)


@pytest.fixture
async def advertiser(uow: Uow) -> AsyncIterator[Advertiser]:
    standins = {code: make() for code, (make, _) in STANDINS.items()}
    async with AsyncExitStack() as stack:
        addresses = {code: await stack.enter_async_context(standing_in(each)) for code, each in standins.items()}
        http = await stack.enter_async_context(local_http(timedelta(seconds=1)))
        outside = Outside(adapters(http), Vault([new_key()]), Budgets.at(None))
        yield await Advertiser(uow, outside, standins).configured(addresses)


async def test_every_event_arrives_everywhere_once_and_in_one_call(advertiser: Advertiser) -> None:
    await advertiser.accept(*(f"o-{number}" for number in range(EVENTS)))
    await advertiser.send()
    for code, standin in advertiser.standins.items():
        assert {each.state for each in await advertiser.of(code)} == {DeliveryState.DELIVERED}
        counts = standin.counts()
        assert (code, counts["ids"], counts["conversions"], counts["refused"]) == (code, EVENTS, EVENTS, 0)
        assert counts["calls"] == (2 if code == "google_ads" else 1)  # one for its access token


async def test_what_goes_wrong_costs_no_event_and_counts_none_twice(advertiser: Advertiser) -> None:
    await advertiser.accept(*(f"o-{number}" for number in range(EVENTS)))
    for seed, standin in enumerate(advertiser.standins.values()):
        standin.set_faults(error_rate_429=0.2, error_rate_500=0.3, seed=seed)
    for turn in range(40):
        await advertiser.send()
        if await advertiser.is_done() and turn > 3:
            break
        if turn < 4:
            await advertiser.accept(*(f"t-{turn}-{number}" for number in range(5)))
    for code, standin in advertiser.standins.items():
        assert (code, {each.state for each in await advertiser.of(code)}) == (code, {DeliveryState.DELIVERED})
        counts = standin.counts()
        assert (code, counts["ids"], counts["conversions"]) == (code, EVENTS + 20, EVENTS + 20)


async def test_an_event_that_is_refused_costs_its_neighbours_at_most_a_call(advertiser: Advertiser) -> None:
    for code in ("linkedin_capi", "microsoft_ads", "google_ads"):  # for whom it is too old two hours before we think so
        advertiser.standins[code].clock = lambda: time.time() + 7200
    await advertiser.accept("week", at=timedelta(hours=1, days=-7))
    await advertiser.accept("quarter", at=timedelta(hours=1, days=-90))
    await advertiser.accept(*(f"o-{number}" for number in range(EVENTS)))
    await advertiser.send()
    dead = {"linkedin_capi": {"quarter"}, "microsoft_ads": {"week", "quarter"}, "google_ads": {"quarter"}}
    for code, standin in advertiser.standins.items():
        found = {each.downstream_id.rpartition(":")[2]: each.state for each in await advertiser.of(code)}
        assert (code, {name for name, state in found.items() if state is DeliveryState.DEAD}) == (
            code,
            dead.get(code, set()),
        )
        assert list(found.values()).count(DeliveryState.DELIVERED) == len(found) - len(dead.get(code, ()))
        assert standin.counts()["calls"] <= (3 if code == "google_ads" else 2)
