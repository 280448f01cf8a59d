"""One event, one page of truth: how it came in, where it goes, and every attempt with what was said both ways."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel

from persistence.uow import Transaction
from publishers.admin.destinations import DestinationShown, destination_shown
from schemas.relay.privacy import hidden, without_addresses
from schemas.relay.records import (
    Attempt,
    AttemptStatus,
    Delivery,
    DeliveryState,
    DestinationKind,
    DestinationView,
    EventStatus,
    MarketingEvent,
)


class EventShown(BaseModel):
    """An event as it came in and how far it has come; `reason` says why it is held, or was refused."""

    id: int
    event_id: str
    event_type: str
    storefront_id: int | None
    storefront_code: str | None
    status: EventStatus
    reason: str | None
    source_system: str
    identity: str | None
    event_time: datetime | None
    message_id: str | None
    processed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class AttemptShown(BaseModel):
    """One try: what was asked and answered, without secrets and without what names people."""

    id: int
    number: int
    status: AttemptStatus
    attempted_at: datetime
    duration_ms: int | None
    http_status_code: int | None
    reason: str | None
    request: str | None
    response: str | None
    credential_id: int | None
    destination_type: DestinationKind


class DeliveryTruth(BaseModel):
    """An event on its way to one destination; `waits_for` says in words why it is not sent right now."""

    id: int
    destination: DestinationShown
    state: DeliveryState
    waits_for: str | None
    attempts_made: int
    next_attempt_at: datetime | None
    expires_at: datetime
    downstream_id: str
    reason: str | None
    delivered_at: datetime | None
    created_at: datetime
    updated_at: datetime
    attempts: list[AttemptShown]


class EventTruth(BaseModel):
    """Everything that is known of one event; `payload` is what the producer sent."""

    event: EventShown
    payload: Any
    deliveries: list[DeliveryTruth]


def event_shown(event: MarketingEvent) -> EventShown:
    """Return an event as it is told."""
    plain = {name: getattr(event, name) for name in EventShown.model_fields if hasattr(event, name)}
    return EventShown(**plain, reason=event.error_message)


async def truth(tx: Transaction, event: MarketingEvent, now: datetime, *, is_clear: bool = False) -> EventTruth:
    """Return all that is known of an event; what names people only where it is asked for in clear."""
    assert event.id
    deliveries = await tx.event_deliveries.of_event(event.id)
    views = await tx.destinations.views([each.destination_id for each in deliveries])
    by_number = {view.destination.id: view for view in views}
    attempts = await tx.attempts.of_event(event.id)
    return EventTruth(
        event=event_shown(event),
        payload=_payload(event, is_clear=is_clear),
        deliveries=[_delivery(each, by_number[each.destination_id], attempts, now) for each in deliveries],
    )


def waits_for(delivery: Delivery, view: DestinationView, now: datetime) -> str | None:
    """Say why a delivery is not sent right now; None where it has ended or is being sent."""
    if delivery.state is not DeliveryState.PENDING:
        return None
    if (switch := view.switched_off) is not None:
        return switch
    until = view.destination.paused_until
    if until is not None and until > now:
        return f"its destination is paused: {view.destination.paused_reason}"
    return "its next attempt" if delivery.next_attempt_at > now else "its turn"


def _delivery(each: Delivery, view: DestinationView, attempts: Sequence[Attempt], now: datetime) -> DeliveryTruth:
    assert each.id
    return DeliveryTruth(
        id=each.id,
        destination=destination_shown(view),
        state=each.state,
        waits_for=waits_for(each, view, now),
        attempts_made=each.attempts,
        next_attempt_at=each.next_attempt_at if each.state is DeliveryState.PENDING else None,
        expires_at=each.expires_at,
        downstream_id=each.downstream_id,
        reason=_redacted(each.reason),
        delivered_at=each.delivered_at,
        created_at=each.created_at,
        updated_at=each.updated_at,
        attempts=[_attempt(one) for one in attempts if one.delivery_id == each.id],
    )


def _attempt(attempt: Attempt) -> AttemptShown:
    assert attempt.id
    return AttemptShown(
        id=attempt.id,
        number=attempt.number,
        status=attempt.status,
        attempted_at=attempt.attempted_at,
        duration_ms=attempt.duration_ms,
        http_status_code=attempt.http_status_code,
        reason=_redacted(attempt.error_message),
        request=_redacted(attempt.request),
        response=_redacted(attempt.response_body),
        credential_id=attempt.credential_id,
        destination_type=attempt.destination_type,
    )


def _redacted(text: str | None) -> str | None:
    return without_addresses(text) if text else text


def _payload(event: MarketingEvent, *, is_clear: bool) -> Any:
    try:
        said = orjson.loads(event.event_payload)
    except orjson.JSONDecodeError:
        said = event.event_payload  # another system wrote it
    return said if is_clear else hidden(said)
