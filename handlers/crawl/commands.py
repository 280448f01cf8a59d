"""Commands that open a browser; each goes on from its cursor until it is done."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import structlog

from brokers import topology
from brokers.delivery import Delivery
from brokers.outgoing import outgoing
from brokers.router import Router
from brokers.verdict import Reject, Retryable
from crawlers.campaigns import CampaignsCrawl
from crawlers.crawl import Crawler
from crawlers.creators import CreatorsCrawl
from crawlers.errors import CrawlError, LeaseLost, TaskWaits
from crawlers.export import Exports, Tables, words_of
from crawlers.progress import Progress
from crawlers.samples import SamplesCrawl
from crawlers.shelf import Outdated
from handlers.crawl.going_on import going_on
from handlers.crawl.verdicts import verdict
from persistence.uow import Uow
from schemas.base import Value
from schemas.clock import Clock
from schemas.crawl.messages import CrawlCampaigns, CrawlCreators, CrawlSamples

router = Router()
log = structlog.get_logger()

AnyCrawl = SamplesCrawl | CreatorsCrawl | CampaignsCrawl

#: A command that has waited so long for its task, or so often, is said anew before its queue gives it up.
_LONG = timedelta(days=2)
_OFTEN = topology.CRAWL_CREATORS.retry.attempts // 2


class CrawlResult(Value):
    """What a crawl has read and published, over all its turns, and the tables it was asked for.

    `skipped` counts requests, creators and drawers that could not be read: the log says which. `lacking_pages` counts
    those that the tables lack, because another machine has read them.
    """

    pages: int
    rows: int
    skipped: int = 0
    files: list[str]
    lacking_pages: int = 0


@dataclass(frozen=True)
class Crawling:
    """What crawls are run with: the crawler, and where their tables go."""

    crawler: Crawler
    exports: Path


@router.consume(topology.CRAWL_SAMPLES)
async def crawl_samples(delivery: Delivery[CrawlSamples], crawling: Crawling, clock: Clock) -> CrawlResult:
    """Read sample requests and publish them as `samples.ingest`, page by page.

    Safe to repeat: it goes on from its cursor, and a page that is read twice is one message.
    """
    return await _crawled(SamplesCrawl(delivery.message, delivery.message_id, clock), crawling, clock)


@router.consume(topology.CRAWL_CREATORS)
async def crawl_creators(delivery: Delivery[CrawlCreators], crawling: Crawling, clock: Clock, uow: Uow) -> CrawlResult:
    """Search creators, read each one's page, and publish them as `creators.ingest`, one by one.

    A task that is over ends the search, one that is paused lets it wait, however long; when no more come, the task is
    told `end`, with the reason where it is because the search has failed. Safe to repeat: it goes on with whom it has
    not read, and a creator who is read twice is one message.
    """
    command = delivery.message
    crawl = CreatorsCrawl(command, delivery.message_id, clock, going_on(command.task_id, uow, clock))
    try:
        await _wait_for_task(crawl, clock)
        return await _crawled(crawl, crawling, clock)
    except Reject as refusal:
        await _tell_failure(crawl, crawling, str(refusal))
        raise
    except Retryable as waiting:
        if isinstance(waiting.__cause__, TaskWaits):
            return await _wait_on(delivery, crawling, clock, waiting)
        if delivery.attempt >= topology.CRAWL_CREATORS.retry.attempts:
            await _tell_failure(crawl, crawling, f"given up after {delivery.attempt} tries: {waiting}")
        raise


@router.consume(topology.CRAWL_CAMPAIGNS)
async def crawl_campaigns(delivery: Delivery[CrawlCampaigns], crawling: Crawling, clock: Clock) -> CrawlResult:
    """Read campaigns with their approved products, and publish both.

    Safe to repeat: it goes on with the campaigns that it has not read.
    """
    return await _crawled(CampaignsCrawl(delivery.message, delivery.message_id, clock), crawling, clock)


async def _tell_failure(crawl: CreatorsCrawl, crawling: Crawling, reason: str) -> None:
    """Tell the task, if there is one, that its search has failed."""
    if crawl.command.task_id:
        await crawling.crawler.outlet.publish([crawl.end(crawl.command.task_id, reason)])


async def _wait_for_task(crawl: CreatorsCrawl, clock: Clock) -> None:
    """Raise Retryable while the task waits: no browser is opened to find that out."""
    try:
        await crawl.goes_on()
    except CrawlError as error:
        raise verdict(error, clock()) from error


async def _wait_on(
    delivery: Delivery[CrawlCreators], crawling: Crawling, clock: Clock, waiting: Retryable
) -> CrawlResult:
    """Let a command wait for its task: later, or, before its queue would give it up, as the same one said anew."""
    if clock() - delivery.observed_at < _LONG and delivery.attempt < _OFTEN:
        raise waiting
    again = outgoing(delivery.message, message_id=delivery.message_id, correlation_id=delivery.correlation_id)
    await crawling.crawler.outlet.publish([again])
    log.info("crawl_waits_anew", crawl_id=delivery.message_id, reason=str(waiting))
    return CrawlResult(pages=0, rows=0, files=[])


async def _crawled(crawl: AnyCrawl, crawling: Crawling, clock: Clock) -> CrawlResult:
    """Run a crawl for one turn, and write the tables it was asked for once it is done."""
    exports = Exports(crawling.exports, crawl.kind) if crawl.command.export_excel else None
    try:
        progress = await replace(crawling.crawler, sink=exports).run(crawl)
    except CrawlError as error:
        raise verdict(error, clock()) from error
    except Outdated as error:
        raise verdict(LeaseLost(f"{error} was written by a later holder"), clock()) from error
    tables = await _tables(crawl, exports, progress, clock) if exports else Tables([])
    return CrawlResult(
        pages=progress.pages,
        rows=progress.rows,
        skipped=progress.skipped,
        files=[str(path) for path in tables.files],
        lacking_pages=tables.lacking,
    )


async def _tables(crawl: AnyCrawl, exports: Exports, progress: Progress, clock: Clock) -> Tables:
    """Write a crawl's tables, also those of one that was done before and whose process did not live to write them."""
    if progress.was_done and not exports.waits(crawl.crawl_id):
        return Tables([])
    tables = await exports.finish(crawl.crawl_id, words_of(crawl.command), clock(), progress.tabled)
    if tables.lacking:
        log.warning("crawl_tables_incomplete", crawl_id=crawl.crawl_id, pages=progress.tabled, lacking=tables.lacking)
    return tables
