"""What producers say about marketing events, and what the relay says to itself."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, model_validator

from schemas.base import Command, ForeignCommand, Value

#: Most events of one page; the seed's producer counts to 4,000 and sends them by the thousand.
MAX_EVENTS = 10_000
#: As databases count rows.
RowNumber = Annotated[int, Field(gt=0, lt=2**63)]


class IngestEvents(ForeignCommand):
    """Take in a page of marketing events; each item is judged by itself, so one bad item spoils no other.

    A bare item or a bare array of items is a page too. Paging fields are the producer's own and are not used.
    """

    model_config = ConfigDict(extra="allow", alias_generator=None, coerce_numbers_to_str=False)

    key: ClassVar[str] = "relay.events.ingest"

    count: int | str | None = None
    data: list[Any] = Field(max_length=MAX_EVENTS)
    error: str | None = None
    next_index: int | str | None = None
    next_url: str | None = None
    previous_index: int | str | None = None
    previous_url: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _page(cls, value: Any) -> Any:
        if isinstance(value, list):
            return {"data": value}
        if isinstance(value, dict) and "data" not in value and "event_name" in value:
            return {"data": [value]}
        if isinstance(value, dict) and value.get("error") and value.get("data") is None:
            return {**value, "data": []}
        return value


class ItemResult(Value):
    """What became of one item, by its place in the page."""

    model_config = ConfigDict(alias_generator=None)

    index: int
    result: Literal["accepted", "duplicate", "rejected", "conflict"]
    event_id: str | None = None
    reason: str | None = None


class IngestEventsResult(Value):
    """What became of a page: one result an item, beside the fields that older producers read.

    `batch_error` is what the page itself said of having gone wrong; its items were taken all the same.
    """

    model_config = ConfigDict(alias_generator=None)

    accepted: int
    rejected: int
    event_ids: list[str]
    errors: list[dict[str, str | None]]
    results: list[ItemResult]
    batch_error: str | None = None


class AdoptEvents(Command):
    """Look at rows that another system wrote straight into `marketing_events`; `ids` are their numbers."""

    key: ClassVar[str] = "relay.events.adopt"

    ids: list[RowNumber] = Field(min_length=1, max_length=1000)


class SendDeliveries(Command):
    """Send what is due to one destination. A wake-up only: what is due is in SQL, so that a repeat does nothing."""

    key: ClassVar[str] = "relay.deliveries.send"

    destination_id: RowNumber
