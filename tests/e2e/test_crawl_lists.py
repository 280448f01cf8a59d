"""Lists of sample requests that are left, gone back in and found shorter, in a real Chromium."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crawlers.browser import BrowserWishes
from crawlers.errors import PuzzleShown
from tests.build.crawling import crawl, identities, run, truth
from tests.build.seller_centre import PATIENCE, Driven, driven, later


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Driven]:
    async with driven(tmp_path, is_logged_in=True) as running:
        yield running


async def test_requests_that_leave_the_list_while_it_is_read_hide_no_others(site: Driven) -> None:
    await run(site, watch=later(1, lambda: site.centre.set_faults(withdrawn=30)))
    assert sorted(identities(site.rows())) == sorted(truth(site, "to_review"))


async def test_a_list_that_has_become_shorter_than_where_it_was_left_is_read_to_its_end(site: Driven) -> None:
    with pytest.raises(PuzzleShown):
        await run(site, watch=later(2, lambda: site.centre.set_faults(captcha=True)))
    site.centre.set_faults(withdrawn=100)
    await site.pauses.end("mx1")
    await run(site)
    assert set(truth(site, "to_review")[100:]) <= set(identities(site.rows()))


async def test_a_search_by_a_part_of_an_id_reads_no_other_campaign(site: Driven) -> None:
    progress = await run(site, crawl(campaignId=site.centre.world.campaign_id(1)[:6], maxPages=1))
    assert (progress.pages, site.rows()) == (1, [])


@pytest.mark.long
async def test_an_old_browser_is_replaced_and_the_list_goes_on_at_its_page(site: Driven) -> None:
    site.wishes = BrowserWishes(patience=PATIENCE, pages=1)
    await run(site)
    assert identities(site.rows()) == truth(site, "to_review")


@pytest.mark.long
async def test_without_a_way_to_jump_the_list_is_walked(site: Driven) -> None:
    site.centre.set_faults(missing=[".arco-pagination-jumper"])
    site.wishes = BrowserWishes(patience=PATIENCE, pages=1)
    await run(site)
    assert identities(site.rows()) == truth(site, "to_review")
