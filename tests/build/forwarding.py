"""A storefront with one destination that answers as it is told, and the handler at work on it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from adapters.budgets import Budgets
from adapters.relay.consent import AD_USER_DATA, gate
from adapters.relay.port import Account, Limits, Outcome, Refused, RelayEvent, Told, Verdict
from adapters.vault import Vault, new_key
from brokers.delivery import Delivery as Carried
from handlers.relay.forwarding import Outside, send_deliveries
from persistence.uow import Uow
from schemas.relay.messages import SendDeliveries
from schemas.relay.records import Delivery, DeliveryState
from tests.build.records import NOON
from tests.build.relay import credential, delivery, event, storefront

Answer = Callable[[Sequence[str]], list[Outcome]]
DELIVERED = Outcome(verdict=Verdict.DELIVERED, status=200)


def all_(outcome: Outcome) -> Answer:
    return lambda ids: [outcome] * len(ids)


class FakePlatform:
    """Takes batches of ten and remembers what it was sent; `answer` says what becomes of each call."""

    code = "meta_capi"
    credential_schema: Mapping[str, Any] = MappingProxyType({"type": "object"})

    def __init__(self, events_a_call: int = 10) -> None:
        self.calls: list[list[str]] = []
        self.answer: Answer = all_(DELIVERED)
        self.accounts: list[Account] = []
        self.limits = Limits(
            events_a_call=events_a_call,
            bytes_a_call=10_000,
            horizon=timedelta(hours=48),
            freshness=timedelta(days=7),
            calls=1000,
            period=timedelta(seconds=1),
            concurrency=4,
        )

    def render(self, event: RelayEvent, account: Account, mapping: Any) -> dict[str, Any]:  # noqa: ARG002 -- the port's
        if event.payload.get("refuse"):
            raise Refused("cannot be said")
        if event.payload.get("confuse"):
            raise KeyError("a bug")
        gate(event, AD_USER_DATA)
        return {"id": event.downstream_id, "version": mapping["version"]}

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        ids = [each["id"] for each in rendered]
        self.calls.append(ids)
        self.accounts.append(account)
        return Told(
            outcomes=self.answer(ids), status=200, request="", response="said", duration=timedelta(milliseconds=5)
        )

    async def test(self, account: Account) -> Outcome:  # noqa: ARG002 -- the port's
        return DELIVERED


class Relay:
    """A storefront with one destination, and the handler at work on it."""

    def __init__(self, uow: Uow, platform: FakePlatform) -> None:
        self.uow = uow
        self.platform = platform
        self.vault = Vault([new_key()])
        self.outside = Outside({platform.code: platform}, self.vault, Budgets.at(None))
        self.now = NOON
        self.destination = 0
        self.shop = 0
        self.credential = 0

    async def configured(self) -> "Relay":
        shop = await storefront(self.uow)
        sealed = self.vault.seal({"access_token": "secret-token"})
        self.shop, self.credential = shop.id, await credential(self.uow, shop, credentials_encrypted=sealed)
        async with self.uow() as tx:
            self.destination = (await tx.destinations.of_storefronts([shop.id]))[shop.id][0].id
        return self

    async def accept(self, *ids: str, **values: Any) -> None:
        async with self.uow() as tx:
            events = [event(each, storefront_id=self.shop, **values) for each in ids]
            await tx.events.add(events)
            numbers = await tx.events.numbers([each.identity or "" for each in events])
            await tx.event_deliveries.add(
                [
                    delivery(numbers[each.identity or ""], self.destination, downstream_id=each.event_id)
                    for each in events
                ]
            )

    async def send(self, later: timedelta = timedelta()) -> None:
        self.now = self.now + later
        message = SendDeliveries(destination_id=self.destination)
        carried = Carried(message=message, message_id="w", is_derived=False, key="", observed_at=self.now, raw=b"")
        await send_deliveries(carried, self.uow, lambda: self.now, self.outside)

    async def deliveries(self) -> list[Delivery]:
        async with self.uow() as tx:
            return await tx.event_deliveries.listed(limit=100)

    async def states(self) -> list[DeliveryState]:
        return [each.state for each in await self.deliveries()]

    async def paused(self) -> datetime | None:
        async with self.uow() as tx:
            view = await tx.destinations.get(self.destination)
            assert view
            return view.destination.paused_until
