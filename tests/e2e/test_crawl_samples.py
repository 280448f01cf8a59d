"""The crawl of sample requests against the local seller centre, in a real Chromium."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from crawlers.browser import BrowserWishes
from crawlers.crawl import Crawler
from crawlers.errors import (
    AccountBusy,
    AccountResting,
    Banned,
    LeaseLost,
    LoginFailed,
    PuzzleShown,
    StillFailing,
    TurnOver,
)
from deploy.sandbox.seller_centre.world import World
from schemas.samples.rows import parse_row
from tests.build.crawling import crawl, identities, run, truth
from tests.build.seller_centre import Driven, driven, later

TABS = ("to_review", "ready_to_ship", "shipped", "content_pending", "completed", "cancel")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Driven]:
    async with driven(tmp_path) as running:
        yield running


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Driven]:
    """A site whose every drawer can be opened in seconds; its rows do not all fit the table."""
    async with driven(tmp_path, World(samples=20, creators=60, campaigns=3, products=30), is_logged_in=True) as running:
        yield running


async def test_every_request_of_every_tab_is_published_page_by_page(site: Driven) -> None:
    progress = await run(site, crawl(tabs="all"))
    assert identities(site.rows()) == [one for tab in TABS for one in truth(site, tab)]
    assert [len(body["rows"]) for body in site.messages("samples.ingest")] == [50, 50, 20] * 6
    assert [row["status"] for row in site.rows()[::120]] == [
        "To review",
        "Ready to ship",
        "Shipped",
        "Content pending",
        "Completed",
        "Canceled",
    ]
    assert (progress.pages, progress.recoveries, site.centre.counts.seen["logins"]) == (18, 0, 1)


async def test_contents_and_logistics_are_those_of_the_site_and_the_mesh_takes_every_row(small: Driven) -> None:
    await run(small, crawl(tabs="completed", expandViewContent=True, viewLogistics=True, maxPages=1))
    assert_contents_are_true(small)
    for row in small.rows():
        parse_row(row)
    shipped = [row for row in small.rows() if "logisticsSnapshot" in row]
    assert len(shipped) == 20
    assert {row["logisticsSnapshot"]["basic_info"][0]["value"] for row in shipped} == {"Estafeta"}


async def test_shuffled_rows_credit_nobody_with_another_s_content(small: Driven) -> None:
    small.centre.set_faults(shuffled=True)
    progress = await run(small, crawl(tabs="completed", expandViewContent=True, maxPages=1))
    assert_contents_are_true(small)
    assert progress.recoveries == 0


def assert_contents_are_true(site: Driven) -> None:
    """Compare what was published of the first page with what the site has."""
    world, rows = site.centre.world, iter(site.rows())
    seen = 0
    for number in range(20):
        record, contents = world.application("completed", number), world.contents("completed", number)
        for content in [*contents["1"], *contents["2"]] or [None]:
            row = next(rows)
            assert row["platformCreatorId"] == record["creator_info"]["oec_id"]
            assert row.get("promotionName") == (content and content["name"])
            seen += content is not None
    assert next(rows, None) is None
    assert seen > 20


@pytest.mark.long
async def test_a_drawer_that_always_fails_costs_its_row_and_no_other(tmp_path: Path) -> None:
    async with driven(tmp_path, World(samples=4, creators=30, campaigns=2)) as site:
        site.centre.set_faults(fail_next={"sample/logistics": 3})
        progress = await run(site, crawl(tabs="shipped", viewLogistics=True))
    assert identities(site.rows()) == truth(site, "shipped")[1:]
    assert (progress.skipped, progress.recoveries) == (1, 2)


async def test_one_campaign_s_requests_are_those_of_the_campaign(site: Driven) -> None:
    campaign = site.centre.world.campaign_id(1)
    await run(site, crawl(campaignId=campaign, scanAllPages=False))
    assert identities(site.rows()) == truth(site, "to_review", campaign)
    assert site.messages("samples.ingest")[0]["options"]["campaignId"] == campaign


async def test_pages_may_be_few(site: Driven) -> None:
    await run(site, crawl(maxPages=2))
    assert len(site.rows()) == 100


async def test_an_empty_list_is_no_failure(tmp_path: Path) -> None:
    async with driven(tmp_path, World(samples=0, creators=5)) as site:
        progress = await run(site)
    assert (progress.rows, progress.recoveries, site.rows()) == (0, 0, [])


async def test_a_saved_session_needs_no_second_login(site: Driven) -> None:
    await run(site, crawl("c-1", maxPages=1))
    await run(site, crawl("c-2", maxPages=1))
    assert site.centre.counts.seen["logins"] == 1


async def test_a_session_lost_in_mid_crawl_logs_in_again_and_loses_nothing(site: Driven) -> None:
    progress = await run(site, watch=later(1, site.centre.accounts.expire))
    assert identities(site.rows()) == truth(site, "to_review")
    assert site.centre.counts.seen["logins"] == 2
    assert progress.recoveries == 1


async def test_a_browser_killed_in_mid_crawl_is_replaced_and_nothing_is_lost(site: Driven) -> None:
    progress = await run(site, watch=later(1, _kill_browsers))
    assert identities(site.rows()) == truth(site, "to_review")
    assert progress.recoveries >= 1
    assert site.centre.counts.seen["logins"] == 1


def _kill_browsers() -> None:
    """Kill every browser of this process."""
    for child in psutil.Process().children(recursive=True):
        if "chrom" in child.name():
            child.kill()


@pytest.mark.parametrize("fault", ["fail_next", "hang_next"])
async def test_a_call_that_fails_or_never_answers_is_gone_on_from(site: Driven, fault: str) -> None:
    site.wishes = BrowserWishes(patience=timedelta(seconds=3))
    break_it = later(1, lambda: site.centre.set_faults(**{fault: {"records/list": 1}}))
    progress = await run(site, watch=break_it)
    assert identities(site.rows()) == truth(site, "to_review")
    assert progress.recoveries == 1


async def test_a_page_that_never_loads_is_gone_on_from(site: Driven) -> None:
    site.wishes = BrowserWishes(patience=timedelta(seconds=3))
    site.centre.set_faults(hang_next={"/affiliate-campaign/sample-requests": 1})
    progress = await run(site)
    assert identities(site.rows()) == truth(site, "to_review")
    assert progress.recoveries == 1


async def test_a_failure_leaves_screenshot_html_and_trace(site: Driven) -> None:
    await run(site, watch=later(1, lambda: site.centre.set_faults(fail_next={"records/list": 1})))
    (failure,) = site.failures
    assert {path.name for path in failure.iterdir()} == {"failure.json", "page.png", "page.html", "trace.zip"}
    assert "Something went wrong" in (failure / "page.html").read_text()
    assert (failure / "page.png").read_bytes().startswith(b"\x89PNG")


async def test_a_site_that_asks_for_patience_is_waited_for(site: Driven) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    throttle = later(1, lambda: site.centre.set_faults(throttle_next={"records/list": 2}))
    await run(site, watch=throttle, sleep=sleep)
    assert identities(site.rows()) == truth(site, "to_review")
    assert waits == [15, 15]


async def test_a_puzzle_lets_the_account_rest_and_the_crawl_goes_on_where_it_was(site: Driven) -> None:
    with pytest.raises(PuzzleShown):
        await run(site, watch=later(1, lambda: site.centre.set_faults(captcha=True)))
    before = len(site.publisher.published)
    with pytest.raises(AccountResting, match="captcha"):
        await run(site)
    (kept,) = site.failures
    assert "captcha_verify_container" in (kept / "page.html").read_text()
    site.centre.set_faults()
    await site.pauses.end("mx1")
    await run(site)
    assert set(identities(site.rows())) == set(truth(site, "to_review"))
    assert 1 <= before <= 2


async def test_a_ban_lets_the_account_rest_and_another_one_goes_on(site: Driven) -> None:
    site.accounts = ("mx1", "mx2")
    with pytest.raises(Banned):
        await run(site, watch=later(1, lambda: site.centre.set_faults(banned=["mx1@example.com"])))
    progress = await run(site)
    assert progress.account == "mx2"
    assert set(identities(site.rows())) == set(truth(site, "to_review"))


async def test_an_account_that_is_not_let_in_rests(site: Driven) -> None:
    site.centre.set_faults(fail_next={"code/login": 9})
    with pytest.raises(LoginFailed):
        await run(site)
    with pytest.raises(AccountResting, match="login"):
        await run(site)


async def test_two_crawls_never_drive_one_account_at_once(site: Driven) -> None:
    outcomes = await asyncio.gather(run(site, crawl("a")), run(site, crawl("b")), return_exceptions=True)
    busy = [outcome for outcome in outcomes if isinstance(outcome, AccountBusy)]
    assert len(busy) == 1


async def test_a_lost_lease_ends_the_browser_and_says_nothing_more(site: Driven) -> None:
    crawler = site.crawler()
    held = _Held(crawler)
    with pytest.raises(LeaseLost):
        await _with(crawler, later(1, held.lose)).run(crawl())
    assert not [child for child in psutil.Process().children(recursive=True) if "chrom" in child.name()]


class _Held:
    """Notes the lease that a crawler takes, to take it away."""

    def __init__(self, crawler: Crawler) -> None:
        self._leases: list[Any] = []
        hold = crawler.sessions.leases.hold

        def noted(account: str) -> Any:
            holding = hold(account)
            leases = self._leases

            class Noting:
                async def __aenter__(self) -> Any:
                    leases.append(await holding.__aenter__())
                    return leases[-1]

                async def __aexit__(self, *error: object) -> Any:
                    return await holding.__aexit__(*error)

            return Noting()

        crawler.sessions.leases.hold = noted  # type: ignore[method-assign]

    def lose(self) -> None:
        """Let the lease go."""
        self._leases[-1].lost.set()


def _with(crawler: Crawler, watch: Any) -> Crawler:
    crawler.watch = watch
    return crawler


async def test_a_crawl_goes_on_from_its_place_in_turns(site: Driven) -> None:
    turns = 0
    while True:
        try:
            await run(site, turn=timedelta(0))
        except TurnOver:
            turns += 1
        else:
            break
    assert set(identities(site.rows())) == set(truth(site, "to_review"))
    assert turns == 3


async def test_an_element_that_is_gone_asks_for_a_person_after_some_tries(
    site: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawlers.crawl.MOST_FAILURES", 3)  # each takes a browser
    site.wishes = BrowserWishes(patience=timedelta(seconds=2))

    async def sleep(_: float) -> None:
        return

    site.centre.set_faults(missing=["li.arco-pagination-item-next", ".arco-pagination-jumper"])
    with pytest.raises(StillFailing, match="To review, page 1 of 3"):
        await run(site, sleep=sleep)
    assert len(site.rows()) == 50
    assert len(site.failures) == 3
