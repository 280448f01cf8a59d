"""What the words of `mesh crawl` ask for, and what its display says."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from rich.console import Console

from crawlers.accounts import Mailbox
from crawlers.cursors import Cursors
from crawlers.errors import AccountBusy, TurnOver
from crawlers.export import Exports
from crawlers.progress import Progress
from crawlers.shelf import FileShelf
from mesh import crawl, crawl_accounts
from mesh.browsing import accounts_of, in_turns
from mesh.compose import Composition
from mesh.crawl import How, WrongWords
from mesh.crawl_display import Display
from schemas.clock import utc_now
from schemas.crawl.messages import CrawlCampaigns, CrawlCreators, CrawlSamples
from schemas.crawl.tabs import Tab
from settings import Settings
from tests.fakes.publisher import FakePublisher


def test_words_become_the_command_that_a_queue_would_carry() -> None:
    command = crawl.samples(
        region="mx", tabs=["completed", "Shipped"], campaigns=["7563"], max_pages=None, expands=True, logistics=False
    )
    assert isinstance(command, CrawlSamples)
    assert (command.region, command.tabs, command.campaigns) == ("MX", [Tab.COMPLETED, Tab.SHIPPED], ["7563"])
    search = crawl.creators(region="MX", keyword="skin", categories=["Health"], min_fans=5000, most=50, task=None)
    assert isinstance(search, CrawlCreators)
    assert (search.keywords, search.search_strategy.min_fans, search.max_creators_to_load) == (["skin"], 5000, 50)
    listed = crawl.campaigns(region="MX", campaigns=[], max_pages=None)
    assert isinstance(listed, CrawlCampaigns)
    assert listed.reads_all_pages


def test_a_word_that_is_no_tab_is_told_with_those_there_are() -> None:
    with pytest.raises(WrongWords, match="there are all, review"):
        crawl.samples(region="MX", tabs=["done"], campaigns=[], max_pages=1, expands=True, logistics=False)


def test_the_same_words_are_the_same_crawl_and_others_another() -> None:
    def made(region: str, pages: int | None) -> str:
        command = crawl.samples(
            region=region, tabs=["review"], campaigns=[], max_pages=pages, expands=True, logistics=False
        )
        return crawl._crawl_of(command, How()).crawl_id

    assert made("MX", None) == made("mx", None)
    assert len({made("MX", None), made("MX", 2), made("ES", None)}) == 3


def test_what_was_not_published_and_another_site_are_other_crawls() -> None:
    command = crawl.campaigns(region="MX", campaigns=[], max_pages=None)
    made = {
        crawl._crawl_of(command, How(is_read_only=is_read_only), site).crawl_id
        for is_read_only in (False, True)
        for site in (None, "http://127.0.0.1:9", "http://127.0.0.1:10")
    }
    assert len(made) == 6


async def test_a_run_that_begins_anew_says_what_has_not_changed_again_and_one_that_goes_on_does_not(
    tmp_path: Path,
) -> None:
    cursors, exports = Cursors(FileShelf(tmp_path / "shelf")), Exports(tmp_path, "campaigns")
    parts: Any = SimpleNamespace(cursors=cursors)
    wanted = crawl._crawl_of(crawl.campaigns(region="MX", campaigns=[], max_pages=None), How())

    async def began(how: How) -> str:
        return await crawl._from_the_beginning_if_done(parts, wanted, how, exports)

    first = await began(How())
    cursor = await cursors.load(wanted.crawl_id, utc_now())
    assert (cursor.began_at, await began(How())) == (first, first)
    await cursors.save(cursor.advanced({"done": ["1"]}, 3))
    await exports.add(wanted.crawl_id, "p1", [{"region": "MX"}])
    assert (await began(How()), exports.waits(wanted.crawl_id)) == (first, True)
    assert await began(How(is_afresh=True)) != first
    assert not exports.waits(wanted.crawl_id)


class Alternating:
    """A crawl that is over after some turns; what stops each is told."""

    def __init__(self, *stops: Exception) -> None:
        self.stops = list(stops)
        self.slept: list[float] = []

    async def run(self, _: object) -> Progress:
        if self.stops:
            raise self.stops.pop(0)
        return Progress("samples", doing="done")

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_a_crawl_by_hand_gives_others_their_turn_and_goes_on() -> None:
    busy = AccountBusy("driven by another", utc_now())
    crawler: Any = Alternating(TurnOver("page 3"), busy, busy, TurnOver("page 6"))
    assert (await in_turns(crawler, None)).doing == "done"  # type: ignore[arg-type]
    assert crawler.slept == [2.0, 0.5, 0.5, 2.0]


async def test_a_crawl_by_hand_whose_account_is_taken_from_the_start_says_so() -> None:
    crawler: Any = Alternating(AccountBusy("driven by another", utc_now()))
    with pytest.raises(AccountBusy):
        await in_turns(crawler, None)  # type: ignore[arg-type]


def test_a_command_can_be_left_to_the_workers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publisher = FakePublisher()

    async def close() -> None:
        return

    monkeypatch.setattr(crawl, "Composition", lambda *_: SimpleNamespace(publisher=publisher, close=close))
    command = crawl.campaigns(region="ES", campaigns=["7563"], max_pages=None)
    assert crawl.run(command, How(account="ES1", is_exported=True, is_queued=True)) == 0
    (queued,) = publisher.published
    read = CrawlCampaigns.model_validate_json(queued.body)
    assert (queued.key, read.region, read.campaigns, read.account_name, read.export_excel) == (
        *("crawl.campaigns", "ES", ["7563"]),
        *("ES1", True),
    )
    assert queued.message_id in capsys.readouterr().out


def test_a_sealed_password_opens_with_the_keys(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = Fernet.generate_key().decode()
    monkeypatch.setenv("MESH_ENCRYPTION_KEYS", key)
    crawl_accounts.seal("hunter2")
    sealed = capsys.readouterr().out.strip()
    assert "hunter2" not in sealed
    mailbox = Mailbox(username="shop@example.com", password_sealed=sealed)
    assert mailbox.password(Composition(Settings(), "crawl").vault.open) == "hunter2"


@pytest.mark.parametrize(
    ("site", "is_ours"),
    [
        ("http://127.0.0.1:8700", True),
        ("http://localhost:8700", True),
        ("http://seller-centre:8700", True),
        ("https://partner.tiktokshop.com", False),
        ("https://203.0.113.7", False),
    ],
)
def test_codes_for_made_up_accounts_are_asked_of_stand_ins_alone(site: str, is_ours: bool) -> None:
    accounts = accounts_of(Settings(site_url=site, accounts_file=None))
    assert (bool(accounts.listed), "nobody can log in" in accounts.problem) == (is_ours, not is_ours)


def test_a_log_is_told_a_line_now_and_then() -> None:
    written = io.StringIO()
    with Display("samples", Console(file=written, width=200)) as display:
        for page in range(50):
            display.show(Progress("samples", "mx1", "reading", f"page {page}", pages=page, rows=page * 50))
    assert written.getvalue().splitlines()[0].startswith("crawl samples: reading, page 0; 0 rows")
    assert len(written.getvalue().splitlines()) == 1


def test_a_terminal_sees_how_far_it_is() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=120)
    with Display("samples", console) as display:
        display.show(
            Progress("samples", "mx1", "reading", "Completed, page 3 of 9", pages=3, expected=9, rows=150, recoveries=1)
        )
        display._live.refresh()  # type: ignore[union-attr]
    shown = written.getvalue()
    for word in ("mx1", "page 3 of 9", "150 read", "1 gone on from"):
        assert word in shown
