"""Commands that crawl, with sessions that have no browser."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brokers import topology
from brokers.delivery import Delivery
from brokers.router import Route
from brokers.verdict import Reject, Retryable
from crawlers.crawl import Crawler
from crawlers.cursors import Cursors
from crawlers.errors import (
    AccountBusy,
    Banned,
    CannotRead,
    CrawlError,
    LeaseLost,
    NoAccount,
    OutOfHours,
    PuzzleShown,
    SiteFailed,
    StillFailing,
    Throttled,
    TookTooLong,
    TurnOver,
)
from crawlers.publishing import Outlet
from crawlers.shelf import FileShelf, Outdated
from handlers.crawl.commands import Crawling, crawl_campaigns, crawl_creators, crawl_samples
from handlers.crawl.verdicts import verdict
from schemas.crawl.messages import CrawlCampaigns, CrawlCreators, CrawlSamples
from tests.fakes.crawling import FakeSessions
from tests.fakes.publisher import FakePublisher

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def crawling(folder: Path, sessions: FakeSessions) -> Crawling:
    cursors = Cursors(FileShelf(folder / "shelf"))
    return Crawling(Crawler(sessions=sessions, outlet=Outlet(FakePublisher()), cursors=cursors), folder)  # type: ignore[arg-type]


def delivery(message: CrawlSamples | CrawlCreators | CrawlCampaigns) -> Delivery:  # type: ignore[type-arg]
    return Delivery(
        message=message, message_id="m-1", is_derived=False, key=message.key, observed_at=NOON, raw=b"{}", attempt=1
    )


COMMANDS = [
    (crawl_samples, CrawlSamples(scan_all_pages=True)),
    (crawl_creators, CrawlCreators()),
    (crawl_campaigns, CrawlCampaigns()),
]


@pytest.mark.parametrize(("handler", "command"), COMMANDS)
async def test_what_stops_a_crawl_is_a_verdict(handler: object, command: CrawlSamples, tmp_path: Path) -> None:
    sessions = FakeSessions()
    sessions.refusal = NoAccount("no enabled account drives region MX")
    with pytest.raises(Reject, match="NoAccount"):
        await Route(topology.BY_NAME[command.key], handler).bind(  # type: ignore[arg-type]
            {"crawling": crawling(tmp_path, sessions), "clock": lambda: NOON, "uow": None}
        )(delivery(command))


async def test_a_later_holder_s_word_makes_a_crawl_come_again(tmp_path: Path) -> None:
    sessions = FakeSessions()
    sessions.refusal = Outdated("cursor:m-1")
    with pytest.raises(Retryable, match="LeaseLost"):
        await crawl_samples(delivery(CrawlSamples(scan_all_pages=True)), crawling(tmp_path, sessions), lambda: NOON)


@pytest.mark.parametrize(
    "error", [StillFailing("x"), TookTooLong("x"), NoAccount("x"), CannotRead("x")], ids=lambda e: type(e).__name__
)
def test_a_person_is_asked_where_trying_again_is_no_use(error: CrawlError) -> None:
    assert isinstance(verdict(error, NOON), Reject)


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (TurnOver("x"), timedelta(seconds=1)),
        (SiteFailed("x"), None),
        (OutOfHours("x", NOON + timedelta(hours=6)), timedelta(hours=6)),
        (AccountBusy("x", NOON + timedelta(seconds=40)), timedelta(minutes=5)),
        (PuzzleShown("x"), timedelta(minutes=5)),
        (Banned("x"), timedelta(minutes=5)),
        (LeaseLost("x"), timedelta(minutes=5)),
        (Throttled("x", timedelta(minutes=9)), timedelta(minutes=9)),
        (Throttled("x"), timedelta(minutes=5)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_everything_else_comes_again_when_it_may_go_on(error: CrawlError, after: timedelta | None) -> None:
    said = verdict(error, NOON)
    assert isinstance(said, Retryable)
    assert said.after == after
