"""Takes in pages of marketing events: each item judged alone, stored once, on its way before the page is answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from brokers import metrics, topology
from brokers.delivery import Delivery as Carried
from brokers.router import Router
from handlers.relay.planning import Horizons, dispatch, standing
from persistence.uow import Transaction, Uow
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.relay.items import EventItem, ItemError, event_id_of, parse_item
from schemas.relay.messages import IngestEvents, IngestEventsResult
from schemas.relay.records import Destination, EventStatus, MarketingEvent, Storefront

log = structlog.get_logger()
router = Router()

#: Who sent it, where a producer does not say.
SOURCE = "oms"

#: What older producers look for in `errors`.
DUPLICATE = "Event already exists"
CONFLICT = "Event already exists with other content"


@dataclass(slots=True)
class _Judged:
    """One item: read, or refused with a reason; `result` is what its page is answered."""

    message_id: str
    index: int
    event_id: str | None
    item: EventItem | None = None
    result: str = "rejected"
    reason: str | None = None


@router.consume(topology.RELAY_EVENTS_INGEST)
async def ingest_events(
    batch: list[Carried[IngestEvents]], uow: Uow, clock: Clock, horizons: Horizons
) -> list[IngestEventsResult]:
    """Store each new event of each page with its deliveries, and wake those who send them.

    Safe to repeat: an event is stored once under its identity; a repeat is answered as a duplicate, or as accepted
    where the same message brought it, and another content under the same identity as a conflict.
    """
    now = whole_milliseconds(clock())
    judged = [_judge(delivery, now) for delivery in batch]
    async with uow() as tx:
        await _store(tx, [each for page in judged for each in page if each.item], horizons, now)
    return [_answer(page, delivery.message.error) for page, delivery in zip(judged, batch, strict=True)]


def _judge(delivery: Carried[IngestEvents], now: datetime) -> list[_Judged]:
    return [_judged(delivery.message_id, index, raw, now) for index, raw in enumerate(delivery.message.data)]


def _judged(message_id: str, index: int, raw: Any, now: datetime) -> _Judged:
    try:
        item = parse_item(raw, now)
    except ItemError as error:
        return _Judged(message_id, index, event_id_of(raw), reason=str(error))
    return _Judged(message_id, index, item.identity.event_id, item)


async def _store(tx: Transaction, judged: Sequence[_Judged], horizons: Horizons, now: datetime) -> None:
    known: dict[str, MarketingEvent | EventItem] = {
        **await tx.events.find([str(each.item.identity) for each in judged if each.item])
    }
    codes = {each.item.identity.storefront_code for each in judged if each.item}
    shops = await tx.configuration.storefronts_by_code(codes)
    goes_to = await tx.destinations.of_storefronts([shop.id for shop in shops.values()])
    repeated: set[str] = set()
    new = [each for each in judged if _is_new(each, known, repeated)]
    ways = [_way(each, shops, goes_to) for each in new]
    stored = [_event(each, shop, way, now) for each, (shop, way) in zip(new, ways, strict=True)]
    await tx.events.add(stored)
    numbers = await tx.events.numbers([event.identity or "" for event in stored])
    on_their_way = [
        (numbers[event.identity or ""], event, way) for event, (_, way) in zip(stored, ways, strict=True) if way
    ]
    await dispatch(tx, on_their_way, horizons, now)
    if stored:
        held = sum(event.status is EventStatus.HELD for event in stored)
        log.info("events_stored", events=len(stored), held=held, items=len(judged))


def _is_new(judged: _Judged, known: dict[str, MarketingEvent | EventItem], repeated: set[str]) -> bool:
    """Judge an item against what is stored and what came before it in its batch."""
    item = judged.item
    assert item
    identity = str(item.identity)
    if (there := known.get(identity)) is None:
        judged.result = "accepted"
        known[identity] = item
        return True
    if there.content_hash != item.content_hash:
        judged.result, judged.reason = "conflict", CONFLICT
    elif isinstance(there, MarketingEvent) and there.message_id == judged.message_id and identity not in repeated:
        # The same message once more: it is answered as it was the first time.
        judged.result = "accepted"
        repeated.add(identity)
    else:
        judged.result, judged.reason = "duplicate", DUPLICATE
        metrics.duplicates.labels(topology.RELAY_EVENTS_INGEST.name).inc()
    return False


def _event(judged: _Judged, shop: Storefront | None, way: Sequence[Destination], now: datetime) -> MarketingEvent:
    item = judged.item
    assert item
    status, reason = standing(shop, way)
    return MarketingEvent(
        id=None,
        event_id=item.identity.event_id,
        storefront_id=shop.id if shop else None,
        storefront_code=item.identity.storefront_code,
        event_type=item.identity.event_type,
        event_payload=item.text,
        source_system=SOURCE,
        status=status,
        error_message=reason,
        identity=str(item.identity),
        content_hash=item.content_hash,
        event_time=whole_milliseconds(item.event_time),
        created_at=now,
        updated_at=now,
        message_id=judged.message_id,
    )


def _way(
    judged: _Judged, shops: dict[str, Storefront], goes_to: dict[int, list[Destination]]
) -> tuple[Storefront | None, list[Destination]]:
    assert judged.item
    shop = shops.get(judged.item.identity.storefront_code)
    return shop, goes_to.get(shop.id, []) if shop else []


def _answer(page: Sequence[_Judged], error: str | None) -> IngestEventsResult:
    accepted = [each for each in page if each.result == "accepted"]
    return IngestEventsResult.model_validate(
        {
            "accepted": len(accepted),
            "rejected": len(page) - len(accepted),
            "event_ids": [each.event_id or "" for each in accepted],
            "errors": [{"event_id": each.event_id, "error": each.reason} for each in page if each.reason],
            "results": [
                {"index": each.index, "result": each.result, "event_id": each.event_id, "reason": each.reason}
                for each in page
            ],
            "batch_error": error or None,
        }
    )
