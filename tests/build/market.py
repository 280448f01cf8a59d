"""A storefront with an account at each of some platforms, all stood in for, and the handler at work on them."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.budgets import Budgets
from adapters.relay.registry import adapters
from adapters.vault import Vault, new_key
from brokers.delivery import Delivery as Carried
from deploy.sandbox.standin import Standin
from handlers.relay.forwarding import Outside, send_deliveries
from persistence.uow import Uow
from schemas.relay.messages import SendDeliveries
from schemas.relay.records import Delivery, DeliveryState, MarketingEvent
from tests.build.destinations import PLACES
from tests.build.relay import credential, delivery, event, platform, storefront
from tests.build.sandbox import local_http, standing_in


class Market:
    """What a test does with them: accepts events for all, lets them be sent, and looks at what became of them."""

    def __init__(self, uow: Uow, outside: Outside, standins: Mapping[str, Standin]) -> None:
        self.uow = uow
        self.outside = outside
        self.standins = standins
        self.began = self.now = datetime.now(UTC).replace(microsecond=0)
        self.shop = 0
        self.destinations: dict[str, int] = {}

    async def configured(self, addresses: Mapping[str, str]) -> None:
        shop = await storefront(self.uow)
        self.shop = shop.id
        for code, address in addresses.items():
            await platform(self.uow, code, api_base_url=f"{address}{PLACES[code].path}")
            sealed = self.outside.vault.seal(PLACES[code].at(address))
            await credential(self.uow, shop, code, credentials_encrypted=sealed)
        async with self.uow() as tx:
            found = (await tx.destinations.of_storefronts([shop.id]))[shop.id]
            self.destinations = {each.platform_code: each.id for each in found}

    async def accept(self, *orders: str, at: timedelta = timedelta()) -> None:
        """Accept purchases, now or another while from the beginning, for every platform."""
        async with self.uow() as tx:
            events = [self._purchase(each, at) for each in orders]
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

    def _purchase(self, order: str, at: timedelta) -> MarketingEvent:
        person = {"email": f"{order}@example.com", "customer_id": f"customer of {order}"}
        said = {"order_id": order, "value": 10, "currency": "USD", "user_data": person}
        return event(order, storefront_id=self.shop, event_payload=json.dumps(said), event_time=self.began + at)

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
        found = [each for code in self.destinations for each in await self.of(code)]
        return not any(each.state in {DeliveryState.PENDING, DeliveryState.SENDING} for each in found)


@asynccontextmanager
async def market(uow: Uow, codes: Iterable[str]) -> AsyncIterator[Market]:
    """Open a storefront with an account at each of these platforms."""
    standins = {code: PLACES[code].standin() for code in codes}
    async with AsyncExitStack() as stack:
        addresses = {code: await stack.enter_async_context(standing_in(each)) for code, each in standins.items()}
        http = await stack.enter_async_context(local_http(timedelta(seconds=1)))
        made = Market(uow, Outside(adapters(http), Vault([new_key()]), Budgets.at(None)), standins)
        await made.configured(addresses)
        yield made
