"""A storefront whose events go to a stand-in, and events that wait to be sent there."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from adapters.vault import Vault, new_key
from mesh.bench.orders import CODE, item
from mesh.bench.stage import Place
from mesh.bench.standin import TOKEN, Standin
from persistence.engine import Database, open_uow
from schemas.clock import utc_now
from schemas.readers import whole_milliseconds
from schemas.relay.records import (
    Delivery,
    DeliveryState,
    DestinationKind,
    EventIdentity,
    EventStatus,
    MarketingEvent,
)

#: As many rows as one statement writes.
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Shop:
    """The storefront, its one destination, and the key that opens its secrets."""

    database: Database
    vault: Vault
    key: str
    storefront: int
    destination: int

    @property
    def settings(self) -> Mapping[str, str]:
        """What those who send for it must be told."""
        return {"MESH_ENCRYPTION_KEYS": self.key, "MESH_RELAY_ALLOWED_HOSTS": "127.0.0.1"}

    async def fill(self, number: int) -> None:
        """Store that many events, each with a delivery that is due."""
        now = whole_milliseconds(utc_now())
        for first in range(0, number, _PAGE):
            events = [self._event(each, now) for each in range(first, min(first + _PAGE, number))]
            async with self.database.uow() as tx:
                await tx.events.add(events)
                numbers = await tx.events.numbers([event.identity or "" for event in events])
                await tx.event_deliveries.add([self._delivery(numbers[each.identity or ""], each) for each in events])

    async def switch(self, *, is_on: bool) -> None:
        """Throw the storefront's kill switch."""
        async with self.database.uow() as tx:
            await tx.configuration.storefronts.change(self.storefront, {"is_active": is_on})

    def _event(self, number: int, now: datetime) -> MarketingEvent:
        said = item(number)
        return MarketingEvent(
            id=None,
            event_id=said["order_id"],
            storefront_id=self.storefront,
            storefront_code=CODE,
            event_type=said["event_name"],
            event_payload=orjson.dumps(said).decode(),
            source_system="oms",
            status=EventStatus.PROCESSING,
            identity=str(EventIdentity(CODE, said["event_name"], said["order_id"])),
            content_hash="0" * 64,
            event_time=now,
            created_at=now,
            updated_at=now,
        )

    def _delivery(self, event_id: int, event: MarketingEvent) -> Delivery:
        return Delivery(
            id=None,
            event_id=event_id,
            destination_id=self.destination,
            state=DeliveryState.PENDING,
            attempts=0,
            next_attempt_at=event.created_at,
            expires_at=event.created_at + timedelta(days=2),
            downstream_id=event.identity or "",
            reason=None,
            created_at=event.created_at,
            updated_at=event.created_at,
        )


@asynccontextmanager
async def shop(place: Place, standin: Standin, vendor: str) -> AsyncIterator[Shop]:
    """Configure a storefront: with Meta's pixel at the stand-in, which takes batches, or with a tagging server."""
    database, key = open_uow(place.database_url), new_key()
    vault = Vault([key])
    try:
        async with database.uow() as tx:
            configured = tx.configuration
            of = await configured.storefronts.add({"storefront_id": CODE, "name": CODE, "domain": "bench.example"})
            if vendor == "sgtm":
                await configured.sgtm_configs.add(
                    {
                        "storefront_id": of.id,
                        "sgtm_url": standin.url,
                        "measurement_id": "G-BENCH",
                        "api_secret": vault.seal({"api_secret": TOKEN}),
                    }
                )
            else:
                platform = await configured.platforms.find(platform_code="meta_capi")
                assert platform
                await configured.platforms.change(platform.id, {"api_base_url": f"{standin.url}/v23.0"})
                await configured.credentials.add(
                    {
                        "storefront_id": of.id,
                        "platform_id": platform.id,
                        "destination_type": DestinationKind.DIRECT,
                        "pixel_id": "700100200",
                        "credentials_encrypted": vault.seal({"access_token": TOKEN}),
                    }
                )
        async with database.uow() as tx:
            (destination,) = (await tx.destinations.of_storefronts([of.id]))[of.id]
        yield Shop(database, vault, key, of.id, destination.id)
    finally:
        await database.close()
