"""What a message says, sorted by sample: rows are read and judged here, with no look at what is stored."""

from collections import ChainMap
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from brokers.delivery import Delivery
from handlers.samples.summary import Entry, summary_of, united
from schemas.ingestion import NOBODY, RejectedRow
from schemas.readers import whole_milliseconds
from schemas.rows import RowError
from schemas.samples.messages import IngestResult, IngestSamples
from schemas.samples.records import SampleKey
from schemas.samples.rows import SampleRow, parse_row

#: A crawler's clock may be ahead of ours by this much; further ahead it would block later news.
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(slots=True, kw_only=True)
class SeenRow:
    """An accepted row, its place in the message, and when it was seen."""

    index: int
    row: SampleRow
    observed_at: datetime


@dataclass(slots=True, kw_only=True)
class Crawl:
    """The message that rows came in, and who sent it."""

    message_id: str
    operator_id: str
    source: str
    options: dict[str, Any] | None


@dataclass(slots=True, kw_only=True)
class Observation:
    """All that one message says of one sample: rows in order of time, columns where the newest wins, one summary.

    `is_timed` tells that the crawler gave the time itself, the same for all pages of one crawl.
    """

    crawl: Crawl
    key: SampleKey
    rows: list[SeenRow]
    columns: dict[str, Any]
    summary: list[Entry]
    observed_at: datetime
    is_timed: bool


@dataclass(slots=True, kw_only=True)
class Reading:
    """One message, read: what it says of each sample, and what it will be answered."""

    message_id: str
    observations: list[Observation]
    result: IngestResult


def read(delivery: Delivery[IngestSamples]) -> Reading:
    """Read every row of a message; the same message always reads the same."""
    message = delivery.message
    accepted, rejected = _read_rows(delivery)
    crawl = Crawl(
        message_id=delivery.message_id,
        operator_id=message.operator_id or NOBODY,
        source=message.source,
        options=message.options,
    )
    return Reading(
        message_id=delivery.message_id,
        observations=[_observation(crawl, rows) for rows in _by_sample(accepted)],
        result=_result(accepted, rejected),
    )


def _result(accepted: list[SeenRow], rejected: list[RejectedRow]) -> IngestResult:
    products = len({seen.row.key.platform_product_id for seen in accepted})
    if rejected:
        return IngestResult(inserted=len(accepted), products=products, rejected=rejected)
    return _all_well(len(accepted), products)


@lru_cache(maxsize=1024)
def _all_well(inserted: int, products: int) -> IngestResult:
    """Return the answer to a message without fault; nearly all are alike, and results are immutable."""
    return IngestResult(inserted=inserted, products=products)


def _read_rows(delivery: Delivery[IngestSamples]) -> tuple[list[SeenRow], list[RejectedRow]]:
    accepted: list[SeenRow] = []
    rejected: list[RejectedRow] = []
    operator_id = delivery.message.operator_id
    arrived_at = whole_milliseconds(delivery.observed_at)
    latest = arrived_at + CLOCK_SKEW
    for index, raw in enumerate(delivery.message.rows):
        try:
            row = parse_row(raw, operator_id)
        except RowError as error:
            rejected.append(RejectedRow(index=index, field=error.field, reason=error.reason))
        else:
            seen_at = row.extracted_at
            observed_at = arrived_at if seen_at is None else min(seen_at, latest)
            accepted.append(SeenRow(index=index, row=row, observed_at=observed_at))
    return accepted, rejected


def _by_sample(rows: list[SeenRow]) -> list[list[SeenRow]]:
    if len(rows) == 1:
        return [rows]
    grouped: dict[SampleKey, list[SeenRow]] = {}
    for seen in rows:
        grouped.setdefault(seen.row.key, []).append(seen)
    return list(grouped.values())


def _observation(crawl: Crawl, rows: list[SeenRow]) -> Observation:
    if len(rows) > 1:
        rows = sorted(rows, key=lambda seen: seen.observed_at)
    newest = rows[-1]
    return Observation(
        crawl=crawl,
        key=newest.row.key,
        rows=rows,
        columns=newest.row.columns if len(rows) == 1 else dict(ChainMap(*(seen.row.columns for seen in rows[::-1]))),
        summary=united([summary_of(seen.row) for seen in rows]),
        observed_at=newest.observed_at,
        is_timed=newest.row.extracted_at is not None,
    )
