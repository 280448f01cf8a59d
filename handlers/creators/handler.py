"""The consumers of rows about creators, campaigns and products: one transaction a group of pages."""

from collections.abc import Sequence
from typing import TypeVar

import structlog

from brokers import metrics, topology
from brokers.delivery import Delivery
from brokers.queue import Queue
from brokers.router import Router
from handlers.creators.crawled import crawl_logs, handed_over, to_store
from handlers.creators.marketed import campaign_of, product_of
from handlers.creators.reading import Reading, SeenRow, ignored, read
from handlers.creators.reported import note, reported
from persistence.uow import Transaction, Uow
from schemas.clock import Clock
from schemas.creators.messages import (
    IngestCampaigns,
    IngestCampaignsResult,
    IngestCreators,
    IngestCreatorsResult,
    IngestProducts,
    IngestProductsResult,
)
from schemas.creators.rows import parse_campaign, parse_creator, parse_product
from schemas.ingestion import Page
from schemas.readers import whole_milliseconds

P = TypeVar("P", bound=Page)

log = structlog.get_logger()

router = Router()


@router.consume(topology.CREATORS_INGEST)
async def ingest_creators(batch: list[Delivery[IngestCreators]], uow: Uow, clock: Clock) -> list[IngestCreatorsResult]:
    """Store what crawlers saw of creators, the newest observation first in rank, and hand them to their task.

    Safe to repeat: a page is applied once, and what it is answered depends on the page alone. A fact that a row does
    not mention stays as it is. A row that cannot be read is told in the answer and holds up no other.
    """
    readings = [read(delivery, parse_creator) for delivery in batch]
    now = whole_milliseconds(clock())
    async with uow() as tx:
        fresh = await _fresh(tx, readings, topology.CREATORS_INGEST)
        logs = [each for reading in fresh for each in crawl_logs(reading, now)]
        await tx.creators.upsert(to_store(fresh, logs))
        await tx.creators.log(logs)
        await note(tx, [each for reading in fresh for each in reported(reading, now)])
        await tx.send_all(message for reading in fresh for message in handed_over(reading))
    _log("creators_stored", fresh)
    return [_creators_result(reading) for reading in readings]


@router.consume(topology.CREATORS_CAMPAIGNS_INGEST)
async def ingest_campaigns(
    batch: list[Delivery[IngestCampaigns]], uow: Uow, clock: Clock
) -> list[IngestCampaignsResult]:
    """Store what crawlers saw of campaigns. Safe to repeat, as for creators."""
    readings = [read(delivery, parse_campaign) for delivery in batch]
    now = whole_milliseconds(clock())
    async with uow() as tx:
        fresh = await _fresh(tx, readings, topology.CREATORS_CAMPAIGNS_INGEST)
        await tx.campaigns.upsert([campaign_of(reading, seen, now) for reading in fresh for seen in reading.rows])
    _log("campaigns_stored", fresh)
    return [
        IngestCampaignsResult(
            inserted=len(each.rows),
            campaigns=_distinct(each.rows, "platform_campaign_id"),
            skipped=each.skipped,
            rejected=each.rejected,
            ignored=ignored(each),
        )
        for each in readings
    ]


@router.consume(topology.CREATORS_PRODUCTS_INGEST)
async def ingest_products(batch: list[Delivery[IngestProducts]], uow: Uow, clock: Clock) -> list[IngestProductsResult]:
    """Store what crawlers saw of the products of campaigns. Safe to repeat, as for creators."""
    readings = [read(delivery, parse_product) for delivery in batch]
    now = whole_milliseconds(clock())
    async with uow() as tx:
        fresh = await _fresh(tx, readings, topology.CREATORS_PRODUCTS_INGEST)
        await tx.campaigns.upsert_products(
            [product_of(reading, seen, now) for reading in fresh for seen in reading.rows]
        )
    _log("products_stored", fresh)
    return [
        IngestProductsResult(
            inserted=len(each.rows),
            products=_distinct(each.rows, "platform_product_id"),
            skipped=each.skipped,
            rejected=each.rejected,
            ignored=ignored(each),
        )
        for each in readings
    ]


async def _fresh(tx: Transaction, readings: Sequence[Reading[P]], queue: Queue) -> list[Reading[P]]:
    """Return the pages that nobody has stored yet, each once even if the group holds it twice."""
    claimed = await tx.inbox.claim_all([reading.delivery for reading in readings])
    fresh: dict[str, Reading[P]] = {}
    for reading in readings:
        message_id = reading.delivery.message_id
        if message_id in claimed and message_id not in fresh:
            fresh[message_id] = reading
        else:
            metrics.duplicates.labels(queue.name).inc()
            log.debug("page_already_stored", message_id=message_id)
    return list(fresh.values())


def _creators_result(reading: Reading[IngestCreators]) -> IngestCreatorsResult:
    stored = [seen for seen in reading.rows if seen.row.columns.get("skip_creator_upsert") is not True]
    return IngestCreatorsResult(
        inserted=len(reading.rows),
        creators=_distinct(stored, "platform_creator_id"),
        skipped=reading.skipped,
        rejected=reading.rejected,
    )


def _distinct(rows: Sequence[SeenRow], column: str) -> int:
    return len({seen.row.columns[column] for seen in rows})


def _log(event: str, readings: Sequence[Reading[P]]) -> None:
    if readings:
        log.info(
            event,
            messages=len(readings),
            rows=sum(len(reading.rows) for reading in readings),
            skipped=sum(reading.skipped for reading in readings),
            rejected=sum(len(reading.rejected) for reading in readings),
        )
