"""Crawls of sample requests against the local seller centre, and what they should find there."""

from typing import Any

from crawlers.progress import Progress
from crawlers.samples import SamplesCrawl
from schemas.crawl.messages import CrawlSamples
from tests.build.seller_centre import Driven


def crawl(crawl_id: str = "c-1", **wanted: Any) -> SamplesCrawl:
    """Return a crawl of the first tab, all pages of it, unless something else is wanted."""
    told = {"tabs": ["review"], "scanAllPages": True, "expandViewContent": False, **wanted}
    return SamplesCrawl(CrawlSamples.model_validate(told), crawl_id)


async def run(site: Driven, wanted: SamplesCrawl | None = None, **values: Any) -> Progress:
    """Run a crawl to its end."""
    return await site.crawler(**values).run(wanted or crawl())


def identities(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Return of which requests rows are: product, creator, campaign."""
    return [(row["platformProductId"], row["platformCreatorId"], row["platformCampaignId"]) for row in rows]


def truth(site: Driven, tab: str, campaign: str = "") -> list[tuple[str, str, str]]:
    """Return the requests that a tab has, by the same three."""
    world = site.centre.world
    records = [world.application(tab, number) for number in world.applications(tab, campaign)]
    return [
        (each["product_info"]["product_id"], each["creator_info"]["oec_id"], each["campaign_info"]["campaign_id"])
        for each in records
    ]
