"""What drives every crawl, with sessions that have no browser."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from brokers.verdict import Unavailable
from crawlers.crawl import MOST_FAILURES, Crawler, Read
from crawlers.cursors import Cursors
from crawlers.errors import (
    AccountResting,
    BrowserLost,
    LeaseLost,
    PageChanged,
    PuzzleShown,
    SessionLost,
    SiteFailed,
    StillFailing,
    Throttled,
    TookTooLong,
    TurnOver,
)
from crawlers.progress import Progress
from crawlers.publishing import Outlet
from crawlers.shelf import FileShelf
from tests.fakes.crawling import FakeCrawl, FakeSession, FakeSessions, FakeSink
from tests.fakes.publisher import FakePublisher

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class World:
    def __init__(self, folder: Path) -> None:
        self.publisher = FakePublisher()
        self.sessions = FakeSessions()
        self.cursors = Cursors(FileShelf(folder))
        self.slept: list[float] = []
        self.now = NOON
        self.worked = 0.0
        self.sink = FakeSink()

    def crawler(self, **values: Any) -> Crawler:
        made: dict[str, Any] = {
            "sessions": self.sessions,
            "outlet": Outlet(self.publisher, patience=timedelta(0), sleep=self.sleep),
            "cursors": self.cursors,
            "clock": lambda: self.now,
            "sleep": self.sleep,
            "ticks": lambda: self.worked,
        }
        return Crawler(**{**made, **values})

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    @property
    def published(self) -> list[str]:
        return [message.message_id for message in self.publisher.published]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


PAGES = [f"page-{number}" for number in range(1, 6)]


async def test_every_page_is_published_in_order(world: World) -> None:
    progress = await world.crawler(sink=world.sink).run(FakeCrawl())
    assert world.published == PAGES
    assert [row["number"] for row in world.sink.rows] == [1, 2, 3, 4, 5]
    assert (progress.pages, progress.published, progress.doing) == (5, 5, "done")


async def test_a_crawl_that_is_done_is_not_run_again(world: World) -> None:
    await world.crawler().run(FakeCrawl())
    again = FakeCrawl()
    progress = await world.crawler().run(again)
    assert (again.read_pages, world.sessions.opened, progress.was_done) == ([], 1, True)


@pytest.mark.parametrize("trouble", [BrowserLost("gone"), SiteFailed("502"), PageChanged("no next")])
async def test_what_a_fresh_browser_mends_costs_the_page_in_hand_and_no_more(world: World, trouble: Exception) -> None:
    crawl = FakeCrawl(troubles={3: [trouble]})
    progress = await world.crawler().run(crawl)
    assert world.published == PAGES
    assert crawl.begun_at == [1, 3]
    assert (world.sessions.session.renewed, progress.recoveries) == (1, 1)
    assert world.sessions.session.failures == [trouble]


async def test_a_lost_session_logs_in_again_and_goes_on(world: World) -> None:
    crawl = FakeCrawl(troubles={4: [SessionLost("login")]})
    await world.crawler().run(crawl)
    assert (world.published, crawl.begun_at, world.sessions.session.logged_in) == (PAGES, [1, 4], 1)


async def test_the_same_place_failing_again_and_again_asks_for_a_person(world: World) -> None:
    crawl = FakeCrawl(troubles={2: [SiteFailed("502")] * MOST_FAILURES})
    with pytest.raises(StillFailing, match="page 1: 502"):
        await world.crawler().run(crawl)
    assert world.published == ["page-1"]
    await world.crawler().run(FakeCrawl())  # redriven, once mended
    assert world.published == PAGES


async def test_failures_count_over_several_tries_of_a_command(world: World) -> None:
    for _ in range(MOST_FAILURES - 1):
        with pytest.raises(PuzzleShown):
            await world.crawler().run(FakeCrawl(troubles={2: [SiteFailed("502"), PuzzleShown("wall")]}))
    with pytest.raises(StillFailing):
        await world.crawler().run(FakeCrawl(troubles={2: [SiteFailed("502"), PuzzleShown("wall")]}))


async def test_an_account_that_is_stopped_ends_the_run_and_keeps_the_place(world: World) -> None:
    with pytest.raises(PuzzleShown):
        await world.crawler().run(FakeCrawl(troubles={3: [PuzzleShown("wall")]}))
    crawl = FakeCrawl()
    await world.crawler().run(crawl)
    assert (crawl.begun_at, world.published) == ([3], PAGES)


async def test_a_site_that_asks_for_patience_is_given_it(world: World) -> None:
    asked = Throttled("429", timedelta(seconds=7))
    await world.crawler().run(FakeCrawl(troubles={2: [asked, Throttled("429")]}))
    assert world.slept == [7, 15]
    assert world.published == PAGES


async def test_a_broker_that_stays_away_ends_the_run_with_nothing_lost(world: World) -> None:
    world.publisher.is_away = True
    with pytest.raises(Unavailable):
        await world.crawler().run(FakeCrawl())
    world.publisher.is_away = False
    crawl = FakeCrawl()
    await world.crawler().run(crawl)
    assert (crawl.begun_at, world.published) == ([1], PAGES)


async def test_a_turn_ends_between_two_pages_and_the_next_one_goes_on(world: World) -> None:
    turns = 0
    while True:
        try:
            await world.crawler(turn=timedelta(0)).run(FakeCrawl())
        except TurnOver:
            turns += 1
        else:
            break
    assert (turns, world.published) == (5, PAGES)


async def test_a_resumed_crawl_repeats_a_page_and_still_comes_to_its_end(world: World) -> None:
    class Repeating(FakeCrawl):
        def resumed(self, place: dict[str, Any]) -> dict[str, Any]:
            return {"page": place["page"] - 1}

    turns = []
    for _ in range(20):
        crawl = Repeating()
        try:
            await world.crawler(turn=timedelta(0)).run(crawl)
        except TurnOver:
            turns.append(crawl.read_pages)
        else:
            break
    assert turns == [[1], [1, 2], [2, 3], [3, 4], [4, 5]]


async def test_runs_that_fail_do_not_move_the_place_back(world: World) -> None:
    class Repeating(FakeCrawl):
        def resumed(self, place: dict[str, Any]) -> dict[str, Any]:
            return {"page": place["page"] - 1}

    begun = []
    for _ in range(3):
        crawl = Repeating(troubles={4: [PuzzleShown("wall")]})
        with pytest.raises(PuzzleShown):
            await world.crawler().run(crawl)
        begun += crawl.begun_at
    assert begun == [1, 3, 3]


async def test_an_old_browser_is_replaced_between_two_pages(world: World) -> None:
    world.sessions.session.pages_of_a_browser = 2
    crawl = FakeCrawl()
    progress = await world.crawler().run(crawl)
    assert (world.published, crawl.begun_at, progress.recoveries) == (PAGES, [1, 3, 5], 0)


def working(world: World, hours: float) -> FakeSession:
    """Return a session with which each page takes so long."""

    class Working(FakeSession):
        async def page_done(self) -> None:
            world.worked += hours * 3600

    return Working()


async def test_a_crawl_that_works_too_long_is_given_up_and_goes_on_when_it_is_asked_for_again(world: World) -> None:
    world.sessions.session = working(world, hours=0.6)
    with pytest.raises(TookTooLong):
        await world.crawler().run(FakeCrawl())
    again = FakeCrawl(pages=3)
    await world.crawler().run(again)
    assert (again.begun_at, len(world.published)) == ([3], 3)


async def test_work_counts_over_all_turns(world: World) -> None:
    world.sessions.session = working(world, hours=0.3)
    for _ in range(3):
        with pytest.raises(TurnOver):
            await world.crawler(turn=timedelta(0)).run(FakeCrawl())
    with pytest.raises(TookTooLong):
        await world.crawler(turn=timedelta(0)).run(FakeCrawl())


async def test_a_rest_is_no_work(world: World) -> None:
    with pytest.raises(PuzzleShown):
        await world.crawler().run(FakeCrawl(troubles={2: [PuzzleShown("wall")]}))
    world.now += timedelta(hours=13)
    world.worked += timedelta(hours=13).total_seconds()
    await world.crawler().run(FakeCrawl())
    assert world.published == PAGES


async def test_who_is_asked_for_more_patience_than_a_message_can_be_held_for_comes_back(world: World) -> None:
    with pytest.raises(Throttled) as refusal:
        await world.crawler().run(FakeCrawl(troubles={2: [Throttled("429", timedelta(days=1))]}))
    assert (refusal.value.after, world.slept) == (timedelta(days=1), [])
    assert (await world.cursors.load("c-1", NOON)).place == {"page": 2}


async def test_what_was_left_out_and_what_tables_were_told_is_counted_over_all_turns(world: World) -> None:
    class Skipping(FakeCrawl):
        async def read(self, session: Any, place: dict[str, Any], progress: Progress) -> AsyncGenerator[Read, None]:
            async for read in super().read(session, place, progress):
                progress.skipped += 1
                yield read

    crawler = world.crawler(turn=timedelta(0), sink=world.sink)
    for _ in range(5):
        with pytest.raises(TurnOver):
            await crawler.run(Skipping())
    progress = await crawler.run(Skipping())
    assert (progress.skipped, progress.tabled) == (5, 5)


async def test_nothing_is_recorded_once_the_lease_is_lost(world: World) -> None:
    session = world.sessions.session

    class Losing(FakeSession):
        async def page_done(self) -> None:
            session.lease.lost.set()

    session.page_done = Losing.page_done.__get__(session)  # type: ignore[method-assign]
    with pytest.raises(LeaseLost):
        await world.crawler().run(FakeCrawl())
    assert (await world.cursors.load("c-1", NOON)).pages == 0


async def test_a_later_holder_s_cursor_is_not_overwritten(world: World) -> None:
    later = await world.cursors.load("c-1", NOON)
    await world.cursors.save(later.advanced({"page": 5}, 4), token=9)
    crawler = world.crawler()
    crawl = FakeCrawl(troubles={5: [PuzzleShown("wall")]})
    with pytest.raises(PuzzleShown):
        await crawler.run(crawl)
    assert (await world.cursors.load("c-1", NOON)).place == {"page": 5}


async def test_a_refused_session_says_until_when(world: World) -> None:
    world.sessions.refusal = AccountResting("captcha", NOON + timedelta(hours=2))
    with pytest.raises(AccountResting):
        await world.crawler().run(FakeCrawl())
