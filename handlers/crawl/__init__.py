"""Crawls that are commands: sample requests, creators, campaigns."""

from brokers import topology
from brokers.delivery import Delivery
from brokers.router import Router
from brokers.verdict import Reject
from schemas.crawl.messages import CrawlCampaigns, CrawlCreators, CrawlSamples

router = Router()


@router.consume(topology.CRAWL_SAMPLES)
async def crawl_samples(delivery: Delivery[CrawlSamples]) -> None:
    """Read sample requests. Safe to repeat."""
    raise Reject("no crawler yet")


@router.consume(topology.CRAWL_CREATORS)
async def crawl_creators(delivery: Delivery[CrawlCreators]) -> None:
    """Search creators. Safe to repeat."""
    raise Reject("no crawler yet")


@router.consume(topology.CRAWL_CAMPAIGNS)
async def crawl_campaigns(delivery: Delivery[CrawlCampaigns]) -> None:
    """Read campaigns. Safe to repeat."""
    raise Reject("no crawler yet")
