"""Commands that open a browser; each goes on from its cursor until it is done."""

from dataclasses import dataclass, replace
from pathlib import Path

from brokers import topology
from brokers.delivery import Delivery
from brokers.router import Router
from crawlers.campaigns import CampaignsCrawl
from crawlers.crawl import Crawl, Crawler
from crawlers.creators import CreatorsCrawl
from crawlers.errors import CrawlError, LeaseLost
from crawlers.export import Exports
from crawlers.samples import SamplesCrawl
from crawlers.shelf import Outdated
from handlers.crawl.going_on import going_on
from handlers.crawl.verdicts import verdict
from persistence.uow import Uow
from schemas.base import Value
from schemas.clock import Clock
from schemas.crawl.messages import CrawlCampaigns, CrawlCreators, CrawlSamples

router = Router()


class CrawlResult(Value):
    """What a crawl has read and published, over all its turns, and the tables it was asked for."""

    pages: int
    rows: int
    files: list[str]


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
    command, crawl_id = delivery.message, delivery.message_id
    named = (command.region, "-".join(command.campaigns) or "all", "-".join(command.tabs))
    told = named if command.export_excel else ()
    return await _crawled(SamplesCrawl(command, crawl_id, clock), crawling, clock, told)


@router.consume(topology.CRAWL_CREATORS)
async def crawl_creators(delivery: Delivery[CrawlCreators], crawling: Crawling, clock: Clock, uow: Uow) -> CrawlResult:
    """Search creators, read each one's page, and publish them as `creators.ingest`, one by one.

    A task that is over ends the search, one that is paused lets it wait; when no more come, the task is told `end`.
    Safe to repeat: it goes on with whom it has not read, and a creator who is read twice is one message.
    """
    command, crawl_id = delivery.message, delivery.message_id
    told = (command.region, command.task_id or "search") if command.export_excel else ()
    crawl = CreatorsCrawl(command, crawl_id, clock, going_on(command.task_id, uow, clock))
    return await _crawled(crawl, crawling, clock, told)


@router.consume(topology.CRAWL_CAMPAIGNS)
async def crawl_campaigns(delivery: Delivery[CrawlCampaigns], crawling: Crawling, clock: Clock) -> CrawlResult:
    """Read campaigns with their approved products, and publish both.

    Safe to repeat: it goes on with the campaigns that it has not read.
    """
    command, crawl_id = delivery.message, delivery.message_id
    told = (command.region, "-".join(command.campaigns) or "all") if command.export_excel else ()
    return await _crawled(CampaignsCrawl(command, crawl_id, clock), crawling, clock, told)


async def _crawled(crawl: Crawl, crawling: Crawling, clock: Clock, told: tuple[str, ...]) -> CrawlResult:
    """Run a crawl for one turn; `told` names its tables, where it is to write any."""
    exports = Exports(crawling.exports, crawl.kind) if told else None
    try:
        progress = await replace(crawling.crawler, sink=exports).run(crawl)
    except CrawlError as error:
        raise verdict(error, clock()) from error
    except Outdated as error:
        raise verdict(LeaseLost(f"{error} was written by a later holder"), clock()) from error
    files = await exports.finish(crawl.crawl_id, told, clock()) if exports and not progress.was_done else []
    return CrawlResult(pages=progress.pages, rows=progress.rows, files=[str(path) for path in files])
