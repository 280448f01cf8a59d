"""Where an event goes: its deliveries, how long each may be tried, and the wake-ups of those who send them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from persistence.uow import Transaction
from schemas.relay.messages import SendDeliveries
from schemas.relay.records import Delivery, DeliveryState, Destination, EventStatus, MarketingEvent, Storefront

#: How long a destination of a platform is tried, where its adapter does not say.
DEFAULT_HORIZON: Final = timedelta(hours=48)

NO_STOREFRONT: Final = "its storefront is not known"
NO_DESTINATION: Final = "its storefront has no destination"

#: By platform code: how long it recognises a repeat, so that a later one could count twice.
Horizons = Mapping[str, timedelta]


def standing(storefront: Storefront | None, goes_to: Sequence[Destination]) -> tuple[EventStatus, str | None]:
    """Return how an event stands: processing where it has a way, held where it has none yet, with the reason."""
    if goes_to:
        return EventStatus.PROCESSING, None
    return EventStatus.HELD, NO_DESTINATION if storefront else NO_STOREFRONT


def placed(
    event: MarketingEvent, storefront: Storefront | None, goes_to: Sequence[Destination], now: datetime
) -> MarketingEvent:
    """Return an event with what can be said of its way."""
    status, reason = standing(storefront, goes_to)
    return replace(
        event,
        storefront_id=storefront.id if storefront else event.storefront_id,
        storefront_code=storefront.storefront_id if storefront else event.storefront_code,
        status=status,
        error_message=reason,
        updated_at=now,
    )


async def dispatch(
    tx: Transaction,
    events: Sequence[tuple[int, MarketingEvent, Sequence[Destination]]],
    horizons: Horizons,
    now: datetime,
) -> None:
    """Store the deliveries of events, given with their numbers, and say once to each destination that there is work."""
    made = [
        Delivery(
            id=None,
            event_id=number,
            destination_id=destination.id,
            state=DeliveryState.PENDING,
            attempts=0,
            next_attempt_at=now,
            expires_at=now + horizons.get(destination.platform_code, DEFAULT_HORIZON),
            downstream_id=event.identity or "",
            reason=None,
            created_at=now,
            updated_at=now,
        )
        for number, event, goes_to in events
        for destination in goes_to
    ]
    await tx.event_deliveries.add(made)
    await tx.send_all([SendDeliveries(destination_id=each) for each in sorted({one.destination_id for one in made})])
