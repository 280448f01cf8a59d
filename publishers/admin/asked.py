"""What may be asked of events and deliveries: which, from where, how many, and how fast."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from publishers.admin.desk import Body, Listed, Paging, RowNumber
from publishers.admin.errors import invalid
from publishers.admin.repair import CANCELLABLE, ENDED, MOST, RATE
from schemas.relay.records import DeliveryState, EventStatus
from schemas.relay.selection import DeliverySelection, EventSelection, Page

#: What a replay means where it does not say: of one, whatever has not arrived; of many, what has died.
_OF_ONE: Final = tuple(sorted(ENDED - {DeliveryState.DELIVERED}))
_OF_MANY: Final = (DeliveryState.DEAD,)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_aware)]
Exact = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Lowered = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=50)]


Uncertain = Annotated[
    bool, Field(description="Also what a platform may have taken already, that would count a repeat twice.")
]


class LongPaging(Paging):
    """Which part of a long list: `after` the last number seen is quick however far in, `skip` is not."""

    after: int = Field(0, ge=0)
    newest: bool = Field(False, description="Newest first.")

    @property
    def page(self) -> Page:
        """As the search takes it."""
        return Page(limit=self.limit, skip=self.skip, after=self.after, newest=self.newest)


class EventsAsked(LongPaging):
    """Which events; what is left out does not narrow. `since` and `until` are when they came in."""

    event_id: Exact | None = None
    order_id: Exact | None = Field(None, description="Another name for event_id.")
    storefront_id: RowNumber | None = None
    storefront_code: Lowered | None = None
    event_type: Lowered | None = None
    status: list[EventStatus] = Field(default_factory=list)
    identity: Exact | None = None
    since: Moment | None = None
    until: Moment | None = None

    @property
    def selection(self) -> EventSelection:
        """As the search takes it."""
        same = self.model_dump(exclude={"skip", "limit", "after", "newest", "status", "event_id", "order_id"})
        return EventSelection(statuses=tuple(self.status), event_id=self.event_id or self.order_id, **same)


class _WhichDeliveries(BaseModel):
    """Which deliveries; what is left out does not narrow. `event` is the event's row, `event_id` the producer's id."""

    state: list[DeliveryState] = Field(default_factory=list)
    destination_id: RowNumber | None = None
    storefront_id: RowNumber | None = None
    platform_code: Lowered | None = None
    event: RowNumber | None = None
    event_id: Exact | None = None
    order_id: Exact | None = Field(None, description="Another name for event_id.")
    event_type: Lowered | None = None
    since: Moment | None = None
    until: Moment | None = None

    def _selection(self, **values: Any) -> DeliverySelection:
        same = self.model_dump(include=set(_WhichDeliveries.model_fields) - {"state", "event_id", "order_id"})
        meant = {**same, "event_id": self.event_id or self.order_id, "states": tuple(self.state), **values}
        return DeliverySelection(**meant)


class DeliveriesAsked(LongPaging, _WhichDeliveries):
    """Which deliveries, and which part of them."""

    @property
    def selection(self) -> DeliverySelection:
        """As the search takes it."""
        return self._selection()


class ManyAsked(Body, _WhichDeliveries):
    """Which deliveries to repair; to mean every one, say `all`."""

    ids: list[RowNumber] = Field(default_factory=list, max_length=500)
    all: bool = False
    limit: int = Field(MOST, ge=1, le=MOST)
    after: int = Field(0, ge=0)
    dry_run: bool = False

    def checked(self, states: tuple[DeliveryState, ...], allowed: frozenset[DeliveryState]) -> DeliverySelection:
        """Return what is meant; raises the 422 of one that narrows nothing, or names states that cannot be meant."""
        if wrong := set(self.state) - allowed:
            told = f"cannot be {', '.join(sorted(wrong))}; it can be {', '.join(sorted(allowed))}"
            raise invalid([("body.state", told)])
        meant = self._selection(numbers=tuple(self.ids), states=tuple(self.state) or states)
        if meant.is_everything and not self.all:
            raise invalid([("body", "say which: ids, a storefront, a destination, an event, or all")])
        return meant


class ReplayAsked(ManyAsked):
    """Which deliveries to send again (the dead ones, unless `state` says others), and how many a second."""

    rate: int = Field(RATE, ge=1, le=10_000)
    start: Moment | None = Field(None, description="When the first becomes due; last_at of the call before, to go on.")
    uncertain: Uncertain = False

    @property
    def selection(self) -> DeliverySelection:
        """What is meant, checked; whoever names deliveries means those that are uncertain too."""
        return replace(self.checked(_OF_MANY, ENDED), is_certain=not (self.uncertain or self.ids))


class CancelAsked(ManyAsked):
    """Which deliveries never to send (the waiting ones, unless `state` says others), and why."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""

    @property
    def selection(self) -> DeliverySelection:
        """What is meant, checked."""
        return self.checked((DeliveryState.PENDING,), CANCELLABLE)


class OneReplayAsked(Body):
    """Which states to send again: what has not arrived, unless this says others."""

    state: list[DeliveryState] = Field(default_factory=list)
    uncertain: Uncertain = False

    @property
    def states(self) -> tuple[DeliveryState, ...]:
        """The states meant."""
        return tuple(each for each in self.state if each in ENDED) or _OF_ONE


class OneCancelAsked(Body):
    """Why not to send it."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""


def continued(items: list[Any], total: int, asked: LongPaging, last: int | None) -> Listed[Any]:
    """Return a page of a long list, and the number after which it goes on."""
    is_full = len(items) == asked.limit
    return Listed(
        items=items,
        total=total,
        skip=asked.skip,
        limit=asked.limit,
        has_more=is_full and (asked.after > 0 or asked.skip + len(items) < total),
        next_after=last if is_full else None,
    )
