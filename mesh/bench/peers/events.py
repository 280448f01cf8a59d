"""What a task of a peer does with one marketing event: our own parsing and rules, one transaction, no asyncio.

Written as one writes tasks with SQLAlchemy: a statement a step, the engine shared by the process. It looks for the
event, its storefront and where that sends to, and stores the event and its deliveries, as `handlers.relay.intake` does.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from persistence import tables
from persistence.dialect import Bulk
from persistence.relay.deliveries import ADD as ADD_DELIVERIES
from persistence.relay.events import ADD as ADD_EVENTS
from schemas.clock import utc_now
from schemas.readers import whole_milliseconds
from schemas.relay.items import EventItem, parse_item
from schemas.relay.records import Delivery, DeliveryState, EventStatus, MarketingEvent

_HORIZON = timedelta(hours=48)


def ingest(database: Engine, message_id: str, raw: dict[str, Any]) -> None:
    """Store one event with its deliveries in one transaction; one that was stored before changes nothing."""
    now = whole_milliseconds(utc_now())
    item = parse_item(raw, now)
    events, shops, goes_to = tables.marketing_events, tables.storefronts, tables.destinations
    with database.begin() as connection:
        known = select(events.c.id).where(events.c.identity == str(item.identity)).with_for_update()
        if connection.execute(known).first() is not None:
            return
        shop = connection.execute(select(shops).where(shops.c.storefront_id == item.identity.storefront_code)).one()
        ways = connection.execute(select(goes_to.c.id).where(goes_to.c.storefront_id == shop.id)).scalars().all()
        added = connection.execute(insert(events), _values(ADD_EVENTS, _event(item, shop.id, message_id, now)))
        number = added.lastrowid
        _deliver(connection, [_delivery(number, str(item.identity), way, now) for way in ways])


def _deliver(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    if deliveries:
        connection.execute(insert(tables.deliveries), [_values(ADD_DELIVERIES, each) for each in deliveries])


def _event(item: EventItem, shop: int, message_id: str, now: datetime) -> MarketingEvent:
    return MarketingEvent(
        id=None,
        event_id=item.identity.event_id,
        storefront_id=shop,
        storefront_code=item.identity.storefront_code,
        event_type=item.identity.event_type,
        event_payload=item.text,
        source_system="oms",
        status=EventStatus.PROCESSING,
        identity=str(item.identity),
        content_hash=item.content_hash,
        event_time=whole_milliseconds(item.event_time),
        created_at=now,
        updated_at=now,
        message_id=message_id,
    )


def _delivery(event_id: int, identity: str, destination_id: int, now: datetime) -> Delivery:
    return Delivery(
        id=None,
        event_id=event_id,
        destination_id=destination_id,
        state=DeliveryState.PENDING,
        attempts=0,
        next_attempt_at=now,
        expires_at=now + _HORIZON,
        downstream_id=identity,
        reason=None,
        created_at=now,
        updated_at=now,
    )


def _values(bulk: Bulk, record: Any) -> dict[str, Any]:
    return {name: attrgetter(path)(record) for name, path in bulk.paths.items()}
