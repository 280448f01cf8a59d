"""Rows of the relay's tables as schema values."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final, TypeVar

from sqlalchemy import Column, Row, Table

from persistence.tables import (
    ad_analytics_platforms,
    deliveries,
    destinations,
    event_attempts,
    marketing_events,
    platform_credentials,
    storefront_sgtm_config,
    storefronts,
)
from schemas.relay.records import (
    Attempt,
    AttemptStatus,
    Credential,
    Delivery,
    DeliveryState,
    Destination,
    DestinationKind,
    EventStatus,
    MarketingEvent,
    Platform,
    SgtmConfig,
    Storefront,
)

T = TypeVar("T")

TABLES: Final[dict[type, Table]] = {
    Storefront: storefronts,
    SgtmConfig: storefront_sgtm_config,
    Platform: ad_analytics_platforms,
    Credential: platform_credentials,
    Destination: destinations,
    MarketingEvent: marketing_events,
    Delivery: deliveries,
    Attempt: event_attempts,
}


def _status(word: str) -> EventStatus:
    """Read a status that another system may have written: one that we do not know waits to be looked at."""
    try:
        return EventStatus(word.strip().lower())
    except ValueError:
        return EventStatus.PENDING


#: Columns that are text in SQL and one of few words in a record.
_WORDS: Final[dict[tuple[type, str], Any]] = {
    (Credential, "destination_type"): DestinationKind,
    (Destination, "kind"): DestinationKind,
    (Delivery, "state"): DeliveryState,
    (Attempt, "destination_type"): DestinationKind,
    (Attempt, "status"): AttemptStatus,
    (MarketingEvent, "status"): _status,
}


def columns_of(kind: type, *, prefix: str = "") -> list[Any]:
    """Return the columns that make a record of a kind, each labelled with a prefix where several kinds are joined."""
    table = TABLES[kind]
    named: list[Column[Any]] = [table.c[each.name] for each in fields(kind)]
    return [column.label(prefix + column.name) for column in named] if prefix else list(named)


def record_of(kind: type[T], row: Row[Any], *, prefix: str = "") -> T | None:
    """Return the record that a row holds, or None where an outer join found nothing."""
    values = [getattr(row, prefix + each.name) for each in fields(kind)]  # type: ignore[arg-type] # a dataclass
    return record_of_values(kind, values) if getattr(row, f"{prefix}id") is not None else None


def record_of_values(kind: type[T], values: Sequence[Any]) -> T:
    """Return the record whose columns have these values, in the order of `columns_of`."""
    named = {each.name: value for each, value in zip(fields(kind), values, strict=True)}  # type: ignore[arg-type] # a dataclass
    return kind(**named | {name: word(named[name]) for name in named if (word := _WORDS.get((kind, name)))})


def records_of(kind: type[T], rows: Sequence[Row[Any]]) -> list[T]:
    """Return the records that rows of one table hold."""
    return [record for row in rows if (record := record_of(kind, row)) is not None]
