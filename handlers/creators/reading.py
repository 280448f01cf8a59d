"""What a page says, row by row: read and judged here, with no look at what is stored."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Generic, TypeVar

from brokers.delivery import Delivery
from schemas.creators.rows import Row
from schemas.ingestion import NOBODY, Page, RejectedRow
from schemas.readers import whole_milliseconds
from schemas.rows import RowError

P = TypeVar("P", bound=Page)

#: A crawler's clock may be ahead of ours by this much; further ahead it would block later news.
CLOCK_SKEW = timedelta(minutes=5)

#: Values left out that are told of one page.
MOST_IGNORED = 1000


@dataclass(slots=True)
class SeenRow:
    """A row that can be stored, its place in the page, and when it was seen."""

    index: int
    row: Row
    observed_at: datetime


@dataclass(slots=True, kw_only=True)
class Reading(Generic[P]):
    """One page, read: the rows that can be stored, those that cannot, and how many name nobody."""

    delivery: Delivery[P]
    rows: list[SeenRow]
    rejected: list[RejectedRow]
    skipped: int

    @property
    def operator_id(self) -> str:
        """Who is said to write the rows."""
        return self.delivery.message.operator_id or NOBODY


def read(delivery: Delivery[P], parse: Callable[[dict[str, Any]], Row | None]) -> Reading[P]:
    """Read every row of a page; the same page always reads the same."""
    reading: Reading[P] = Reading(delivery=delivery, rows=[], rejected=[], skipped=0)
    arrived_at = whole_milliseconds(delivery.observed_at)
    for index, raw in enumerate(delivery.message.rows):
        try:
            row = parse(raw)
        except RowError as error:
            reading.rejected.append(RejectedRow(index=index, field=error.field, reason=error.reason))
            continue
        if row is None:
            reading.skipped += 1
            continue
        seen_at = row.columns.pop("extracted_time", None)
        reading.rows.append(SeenRow(index, row, min(seen_at, arrived_at + CLOCK_SKEW) if seen_at else arrived_at))
    return reading


def ignored(reading: Reading[P]) -> list[RejectedRow]:
    """Return the values that could not be read and were left out of their rows, as many as an answer takes."""
    told = (
        RejectedRow(index=seen.index, field=name[:64], reason=reason)
        for seen in reading.rows
        for name, reason in seen.row.unread.items()
    )
    return list(islice(told, MOST_IGNORED))


def audit(reading: Reading[P], now: datetime) -> dict[str, Any]:
    """Return the columns that say who wrote a row, and when."""
    operator_id = reading.operator_id
    return {
        "creator_id": operator_id,
        "creation_time": now,
        "last_modifier_id": operator_id,
        "last_modification_time": now,
    }
