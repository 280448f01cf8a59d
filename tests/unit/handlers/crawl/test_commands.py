"""Commands that crawl, with sessions that have no browser."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
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
from schemas.outreach.records import TaskStatus
from tests.fakes.crawling import FakeCrawl, FakeSessions
from tests.fakes.publisher import FakePublisher
from tests.unit.handlers.crawl.test_going_on import uow_of

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


def searching(tmp_path: Path, *errors: Exception) -> tuple[Crawling, FakeSessions, list[dict[str, Any]]]:
    sessions = FakeSessions()
    sessions.refusal = errors[0] if errors else None
    made = crawling(tmp_path, sessions)
    told: FakePublisher = made.crawler.outlet._publisher  # type: ignore[assignment]
    return made, sessions, told.published  # type: ignore[return-value]


def said(published: list[Any]) -> list[tuple[str, str, Any]]:
    return [(one.key, orjson.loads(one.body)["action"], orjson.loads(one.body).get("reason")) for one in published]


def task_is(status: TaskStatus) -> Any:
    task = SimpleNamespace(status=status, stop_reason=None, plan_stop_time=None, max_creators=None)
    task.new_creators_expect_count, task.creators_seen = None, 0
    return uow_of(task)


SEARCH = CrawlCreators(task_id="T-1")


async def test_a_search_that_is_rejected_tells_its_task_why_and_a_repeat_says_it_once(tmp_path: Path) -> None:
    made, _, published = searching(tmp_path, CannotRead("the filter GMV has no choice 5k"))
    for _ in range(2):
        with pytest.raises(Reject):
            await crawl_creators(delivery(SEARCH), made, lambda: NOON, task_is(TaskStatus.RUNNING))
    assert said(published)[0] == (
        "outreach.tasks.control",
        "end",
        "CannotRead: the filter GMV has no choice 5k",
    )
    assert len({one.message_id for one in published}) == 1  # type: ignore[attr-defined]


async def test_a_search_for_nobody_s_task_tells_nobody(tmp_path: Path) -> None:
    made, _, published = searching(tmp_path, CannotRead("no such filter"))
    with pytest.raises(Reject):
        await crawl_creators(delivery(CrawlCreators()), made, lambda: NOON, task_is(TaskStatus.RUNNING))
    assert published == []


async def test_a_search_that_is_tried_for_the_last_time_tells_its_task(tmp_path: Path) -> None:
    made, _, published = searching(tmp_path, SiteFailed("502"))
    last = replace(delivery(SEARCH), attempt=topology.CRAWL_CREATORS.retry.attempts)
    for command, expected in ((delivery(SEARCH), []), (last, ["given up after 200 tries: SiteFailed: 502"])):
        with pytest.raises(Retryable):
            await crawl_creators(command, made, lambda: NOON, task_is(TaskStatus.RUNNING))
        assert [reason for _, _, reason in said(published)] == expected


async def test_a_search_waits_for_a_paused_task_without_a_browser(tmp_path: Path) -> None:
    made, sessions, published = searching(tmp_path)
    with pytest.raises(Retryable, match="TaskWaits") as waiting:
        await crawl_creators(delivery(SEARCH), made, lambda: NOON, task_is(TaskStatus.PAUSED))
    assert (waiting.value.after, sessions.opened, published) == (timedelta(minutes=30), 0, [])


@pytest.mark.parametrize("old", [{"observed_at": NOON - timedelta(days=2)}, {"attempt": 100}], ids=["days", "tries"])
async def test_a_search_that_has_waited_long_for_its_task_is_said_anew(tmp_path: Path, old: dict[str, Any]) -> None:
    made, _, published = searching(tmp_path)
    command = replace(delivery(CrawlCreators(task_id="T-1", region="ES", max_creators_to_load=7)), **old)
    result = await crawl_creators(command, made, lambda: NOON, task_is(TaskStatus.PAUSED))
    (again,) = published
    assert (again.key, again.message_id) == ("crawl.creators", "m-1")  # type: ignore[attr-defined]
    assert CrawlCreators.model_validate_json(again.body) == command.message  # type: ignore[attr-defined]
    assert result.files == []


class Pages(FakeCrawl):
    """Samples as rows of a table."""

    command = CrawlSamples(scan_all_pages=True, export_excel=True)

    @classmethod
    def of(cls, command: object, crawl_id: str, clock: object) -> "Pages":  # noqa: ARG003 -- as the real one is made
        return cls(crawl_id=crawl_id)


@pytest.fixture
def tabled(monkeypatch: pytest.MonkeyPatch) -> Delivery:  # type: ignore[type-arg]
    monkeypatch.setattr("handlers.crawl.commands.SamplesCrawl", Pages.of)
    return delivery(Pages.command)


async def test_tables_are_written_at_the_end_of_all_turns(tabled: Delivery, tmp_path: Path) -> None:  # type: ignore[type-arg]
    made = crawling(tmp_path, FakeSessions())
    made = replace(made, crawler=replace(made.crawler, turn=timedelta(0)))
    for _ in range(5):
        with pytest.raises(Retryable, match="TurnOver"):
            await crawl_samples(tabled, made, lambda: NOON)
    result = await crawl_samples(tabled, made, lambda: NOON)
    assert (result.pages, result.rows, result.lacking_pages) == (5, 5, 0)
    assert [Path(path).name for path in result.files] == [
        "samples_MX_all_completed_20260301_120000.csv",
        "samples_MX_all_completed_20260301_120000.xlsx",
    ]
    assert len(Path(result.files[0]).read_text().splitlines()) == 6
    assert (await crawl_samples(tabled, made, lambda: NOON)).files == []  # a repeat


async def test_tables_that_a_process_did_not_live_to_write_are_written_by_the_next(
    tabled: Delivery,  # type: ignore[type-arg]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = crawling(tmp_path, FakeSessions())
    with monkeypatch.context() as dying:
        dying.setattr("handlers.crawl.commands._tables", _dies)
        with pytest.raises(OSError, match="killed"):
            await crawl_samples(tabled, made, lambda: NOON)
    assert len((await crawl_samples(tabled, made, lambda: NOON)).files) == 2


async def _dies(*_: object) -> None:
    raise OSError("killed")


async def test_pages_that_another_machine_has_read_are_said_to_lack(tabled: Delivery, tmp_path: Path) -> None:  # type: ignore[type-arg]
    made = crawling(tmp_path, FakeSessions())
    here, there = (replace(made, exports=tmp_path / name) for name in ("here", "there"))
    with pytest.raises(Retryable):
        await crawl_samples(tabled, replace(there, crawler=replace(made.crawler, turn=timedelta(0))), lambda: NOON)
    assert (await crawl_samples(tabled, here, lambda: NOON)).lacking_pages == 1


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
