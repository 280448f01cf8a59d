"""Builders of the relay's records, at a fixed noon."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.vault import new_key
from persistence.uow import Uow
from schemas.relay.records import (
    Attempt,
    AttemptStatus,
    Delivery,
    DeliveryState,
    DestinationKind,
    EventIdentity,
    EventStatus,
    MarketingEvent,
    Storefront,
)
from tests.build.records import NOON

HORIZON = timedelta(days=2)
#: What processes under test seal secrets with.
KEY = new_key()


def event(event_id: str = "o-1", **values: Any) -> MarketingEvent:
    """An accepted purchase of the storefront `bosley`."""
    code = values.get("storefront_code", "bosley")
    kind = values.get("event_type", "purchase_completed")
    made = MarketingEvent(
        id=None,
        event_id=event_id,
        storefront_id=1,
        storefront_code=code,
        event_type=kind,
        event_payload=json.dumps({"order_id": event_id}),
        source_system="oms",
        status=EventStatus.PROCESSING,
        identity=str(EventIdentity(code, kind, event_id)),
        content_hash="0" * 64,
        event_time=NOON,
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(made, **values)


def delivery(event_id: int, destination_id: int, **values: Any) -> Delivery:
    """A delivery that is due at noon."""
    made = Delivery(
        id=None,
        event_id=event_id,
        destination_id=destination_id,
        state=DeliveryState.PENDING,
        attempts=0,
        next_attempt_at=NOON,
        expires_at=NOON + HORIZON,
        downstream_id=f"event {event_id}",
        reason=None,
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(made, **values)


def attempt(of: Delivery, **values: Any) -> Attempt:
    """An attempt that was begun at noon and is not over."""
    made = Attempt(
        event_id=of.event_id,
        delivery_id=of.id or 0,
        credential_id=None,
        destination_type=DestinationKind.SGTM,
        number=of.attempts,
        status=AttemptStatus.SENDING,
        http_status_code=None,
        request=None,
        response_body=None,
        error_message=None,
        duration_ms=None,
        attempted_at=NOON,
    )
    return replace(made, **values)


async def storefront(uow: Uow, code: str = "bosley", **values: Any) -> Storefront:
    """Store a storefront."""
    async with uow() as tx:
        return await tx.configuration.storefronts.add({"storefront_id": code, "name": code.title(), **values})


async def tagging_server(uow: Uow, of: Storefront, **values: Any) -> int:
    """Store a storefront's tagging server and return its number."""
    async with uow() as tx:
        url = f"https://sgtm.{of.storefront_id}.example"
        return (await tx.configuration.sgtm_configs.add({"storefront_id": of.id, "sgtm_url": url, **values})).id


async def platform(uow: Uow, code: str = "meta_capi", **values: Any) -> int:
    """Store a platform, or change one that is known, and return its number."""
    async with uow() as tx:
        known = await tx.configuration.platforms.find(platform_code=code)
        if known is None:
            return (await tx.configuration.platforms.add({"platform_code": code, "name": code, **values})).id
        if values:
            await tx.configuration.platforms.change(known.id, values)
        return known.id


async def credential(uow: Uow, of: Storefront, code: str = "meta_capi", **values: Any) -> int:
    """Store a storefront's direct credential at a platform and return its number."""
    number = await platform(uow, code)
    wanted = {"destination_type": DestinationKind.DIRECT, "credentials_encrypted": "sealed", **values}
    async with uow() as tx:
        added = await tx.configuration.credentials.add({"storefront_id": of.id, "platform_id": number, **wanted})
        return added.id
