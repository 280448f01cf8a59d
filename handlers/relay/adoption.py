"""Takes up rows that another system wrote straight into `marketing_events`, and events that were held."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
import structlog

from brokers import topology
from brokers.delivery import Delivery as Carried
from brokers.router import Router
from handlers.relay.planning import NO_STOREFRONT, Horizons, dispatch, placed
from persistence.uow import Transaction, Uow
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.relay.items import EventItem, ItemError, parse_item
from schemas.relay.messages import AdoptEvents
from schemas.relay.records import EventStatus, MarketingEvent, Storefront

log = structlog.get_logger()
router = Router()


@dataclass(slots=True)
class _Row:
    """A row as found, its storefront as far as that is known, and what it says."""

    event: MarketingEvent
    shop: Storefront | None
    item: EventItem | None = None


@router.consume(topology.RELAY_EVENTS_ADOPT)
async def adopt_events(delivery: Carried[AdoptEvents], uow: Uow, clock: Clock, horizons: Horizons) -> None:
    """Give rows their identity and their deliveries; a row that says nothing usable is marked failed with the reason.

    Safe to repeat: only rows that still wait are taken, and under lock.
    """
    now = whole_milliseconds(clock())
    async with uow() as tx:
        waiting = await tx.events.take(delivery.message.ids)
        rows = await _with_storefronts(tx, waiting)
        await tx.events.save([refused for row in rows if (refused := _read(row, now))])
        adopted, repeats = await _identified(tx, rows, now)
        goes_to = await tx.destinations.of_storefronts([row.shop.id for row in adopted if row.shop])
        ways = [goes_to.get(row.shop.id, []) if row.shop else [] for row in adopted]
        events = [placed(row.event, row.shop, way, now) for row, way in zip(adopted, ways, strict=True)]
        await tx.events.save([*events, *repeats])
        found = zip(events, ways, strict=True)
        await dispatch(tx, [(event.id, event, way) for event, way in found if way and event.id], horizons, now)
    if waiting:
        log.info("events_adopted", rows=len(waiting), adopted=len(adopted), repeats=len(repeats))


async def _with_storefronts(tx: Transaction, events: Sequence[MarketingEvent]) -> list[_Row]:
    numbers = {event.storefront_id for event in events if event.storefront_id is not None}
    by_number = await tx.configuration.storefronts_by_number(numbers)
    by_code = await tx.configuration.storefronts_by_code({_code_of(event) for event in events})
    return [_Row(event, by_number.get(event.storefront_id or 0) or by_code.get(_code_of(event))) for event in events]


def _code_of(event: MarketingEvent) -> str:
    return (event.storefront_code or "").strip().lower()


def _read(row: _Row, now: datetime) -> MarketingEvent | None:
    """Read what a row says into `row.item`; return the row with the reason where that cannot be done."""
    event = row.event
    if event.identity:
        return None  # read before, and held for its storefront
    code = row.shop.storefront_id if row.shop else event.storefront_code
    if code is None:
        return replace(event, status=EventStatus.HELD, error_message=NO_STOREFRONT, updated_at=now)
    try:
        row.item = parse_item(_payload(event, code), now, written_at=event.created_at)
    except ItemError as error:
        return replace(event, status=EventStatus.FAILED, error_message=str(error), updated_at=now)
    return None


def _payload(event: MarketingEvent, code: str) -> dict[str, Any]:
    """Return what a row says: who it is is said by its columns, whatever the payload repeats of it."""
    try:
        payload = orjson.loads(event.event_payload)
    except orjson.JSONDecodeError as error:
        raise ItemError("event_payload", f"is not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise ItemError("event_payload", "is not a JSON object")
    return {**payload, "storefront_id": code, "event_name": event.event_type, "event_id": event.event_id}


async def _identified(tx: Transaction, rows: Sequence[_Row], now: datetime) -> tuple[list[_Row], list[MarketingEvent]]:
    """Tell rows that are the first of their identity, which they get, from those that repeat another row."""
    known = await tx.events.find([str(row.item.identity) for row in rows if row.item])
    first, repeats = [row for row in rows if row.event.identity], []
    for row in rows:
        if row.item is None:
            continue
        identity = str(row.item.identity)
        if (there := known.get(identity)) is not None:
            repeats.append(_repeated(row.event, there, row.item, now))
            continue
        row.event = known[identity] = replace(
            row.event,
            # As storefronts are called: a row that is held is found again by this.
            storefront_code=row.item.identity.storefront_code,
            event_type=row.item.identity.event_type,
            identity=identity,
            content_hash=row.item.content_hash,
            event_payload=row.item.text,
            event_time=whole_milliseconds(row.item.event_time),
        )
        first.append(row)
    return first, repeats


def _repeated(event: MarketingEvent, there: MarketingEvent, item: EventItem, now: datetime) -> MarketingEvent:
    is_same = there.content_hash == item.content_hash
    return replace(
        event,
        status=EventStatus.DUPLICATE if is_same else EventStatus.CONFLICT,
        error_message=f"event {there.id} has this identity" + ("" if is_same else " and other content"),
        processed_at=now,
        updated_at=now,
    )
