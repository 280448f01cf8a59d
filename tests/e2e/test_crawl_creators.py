"""The crawls of creators and campaigns against the local seller centre, in a real Chromium."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crawlers.campaigns import CampaignsCrawl
from crawlers.creators import CreatorsCrawl
from crawlers.errors import CannotRead
from deploy.sandbox.seller_centre.search import found
from deploy.sandbox.seller_centre.world import World
from schemas.crawl.messages import CrawlCampaigns, CrawlCreators
from tests.build.seller_centre import Driven, driven, later

TASK = "0F4D2B6E-1C7A-4B55-8A0E-6A2C9F1D7E33"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Driven]:
    async with driven(
        tmp_path, World(samples=10, creators=60, campaigns=12, products=45), is_logged_in=True
    ) as running:
        yield running


def creators(crawl_id: str = "c-1", **wanted: Any) -> CreatorsCrawl:
    return CreatorsCrawl(CrawlCreators.model_validate(wanted), crawl_id)


def campaigns(**wanted: Any) -> CampaignsCrawl:
    return CampaignsCrawl(CrawlCampaigns.model_validate(wanted), "c-1")


def people(site: Driven, **filters: Any) -> list[str]:
    world = site.centre.world
    return [each["creator_id"] for each in found((world.creator(n) for n in range(world.creators)), filters)]


def ids(site: Driven) -> list[str]:
    return [row["platformCreatorId"] for row in site.rows("creators.ingest")]


async def test_every_creator_of_the_search_is_read_and_handed_to_the_task(site: Driven) -> None:
    progress = await site.crawler().run(creators(maxCreatorsToLoad=12, taskId=TASK, brandName="Aurela"))
    assert ids(site) == people(site)[:12]
    body = site.messages("creators.ingest")[0]
    assert (body["options"]["taskId"], body["options"]["contact"]) == (TASK, True)
    row = body["rows"][0]
    assert (row["brandName"], row["followersFemale"][-1]) == ("Aurela", "%")
    assert {"salesRevenue", "videos", "liveStreams", "followers55More"} <= row.keys()
    assert (progress.rows, progress.skipped) == (12, 0)
    (end,) = site.messages("outreach.tasks.control")
    assert (end["action"], end["taskId"]) == ("end", TASK)


@pytest.mark.long
async def test_filters_find_whom_the_site_finds(site: Driven) -> None:
    strategy = {
        "productCategory": ["Health", "Toys"],
        "minFans": 2000,
        "fansGender": "Female 30%",
        "gmv": ["100-1k", "1k-10k"],
        "minEngagementRate": 1,
    }
    wanted = people(
        site,
        categories=["Health", "Toys"],
        min_followers=2000,
        gender="Female",
        gender_share=30,
        gmv=["100-1k", "1k-10k"],
        min_engagement=1,
    )
    await site.crawler().run(creators(searchStrategy=strategy))
    assert ids(site) == wanted
    assert 0 < len(wanted) < 60


async def test_a_keyword_finds_whom_it_names(site: Driven) -> None:
    handle = site.centre.world.creator(7)["handle"]
    await site.crawler().run(creators(searchStrategy={"searchKeywords": f"{handle},other"}))
    assert ids(site) == people(site, keyword=handle)


async def test_a_choice_that_the_page_has_not_finds_nobody_rather_than_anybody(site: Driven) -> None:
    with pytest.raises(CannotRead, match="Nail art"):
        await site.crawler().run(creators(searchStrategy={"productCategory": ["Nail art"]}))
    assert site.publisher.published == []


async def test_a_section_that_fails_costs_its_fields_alone(site: Driven) -> None:
    site.centre.set_faults(fail_next={"marketplace/profile": 1})
    await site.crawler().run(creators(maxCreatorsToLoad=1))
    (row,) = site.rows("creators.ingest")
    assert "videos" in row
    assert "intro" not in row


async def test_a_search_goes_on_with_whom_it_has_not_read(site: Driven) -> None:
    lose = later(5, site.centre.accounts.expire)
    progress = await site.crawler(watch=lose).run(creators(maxCreatorsToLoad=12))
    assert ids(site) == people(site)[:12]
    assert progress.recoveries == 1


async def test_every_campaign_and_its_products_are_read(site: Driven) -> None:
    await site.crawler().run(campaigns())
    world = site.centre.world
    assert [row["platformCampaignId"] for row in site.rows("creators.campaigns.ingest")] == [
        world.campaign_id(number) for number in range(12)
    ]
    products = site.rows("creators.products.ingest")
    assert len(products) == 12 * 45
    assert products[0]["platformProductId"] == world.product(0, 0)["product_id"]


async def test_one_campaign_is_read_alone_wherever_it_is_in_the_list(site: Driven) -> None:
    wanted = site.centre.world.campaign_id(11)
    await site.crawler().run(campaigns(campaignIds=[wanted]))
    assert {row["platformCampaignId"] for row in site.rows("creators.products.ingest")} == {wanted}
    assert len(site.rows("creators.campaigns.ingest")) == 1
