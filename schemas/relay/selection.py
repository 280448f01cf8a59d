"""Which events and deliveries an operator means, and what is found of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.relay.records import Delivery, DeliveryState, Destination, EventStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page in order of number: `after` is the last number of the page before, `newest` begins at the end."""

    limit: int
    skip: int = 0
    after: int = 0
    newest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSelection:
    """Some events; what is None or empty does not narrow. `since` and `until` are when they came in."""

    event_id: str | None = None
    storefront_id: int | None = None
    storefront_code: str | None = None
    event_type: str | None = None
    statuses: tuple[EventStatus, ...] = ()
    identity: str | None = None
    since: datetime | None = None
    until: datetime | None = None


#: What the reason of a delivery says whose platform may have it, and would count a repeat twice.
UNCERTAIN: Final = "it may have been taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySelection:
    """Some deliveries; what is None or empty does not narrow, `is_certain` leaves out those that are `UNCERTAIN`.

    `event` is the event's row number, `event_id` the producer's id. `since` and `until` are when they were made.
    """

    numbers: tuple[int, ...] = ()
    states: tuple[DeliveryState, ...] = ()
    destination_id: int | None = None
    storefront_id: int | None = None
    platform_code: str | None = None
    event: int | None = None
    event_id: str | None = None
    event_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_certain: bool = False

    @property
    def is_everything(self) -> bool:
        """Whether nothing but states narrows it: that has to be meant."""
        return self == DeliverySelection(states=self.states, is_certain=self.is_certain)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDelivery:
    """A delivery beside where it goes and whose event it carries."""

    delivery: Delivery
    destination: Destination
    storefront_code: str | None
    event_type: str
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to which resource, and when; the details hold no secret."""

    id: int
    at: datetime
    who: str
    role: str
    action: str
    resource: str
    resource_id: str | None
    details: dict[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMapping:
    """One version of what our events are called at a platform; `storefront_id` None means every storefront."""

    id: int
    storefront_id: int | None
    platform_code: str
    version: int
    mapping: dict[str, object]
    is_active: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What one destination has before it: `due_since` is when the oldest that may be sent now fell due, or None."""

    platform_code: str
    paused_until: datetime | None
    waiting: int
    due_since: datetime | None
