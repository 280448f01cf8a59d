"""How fast a crawl is beside the site it reads, and what it weighs. Minutes long: `pytest -m long`."""

import asyncio
import statistics
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from crawlers.accounts import Accounts, local_account
from crawlers.browser import BrowserWishes
from crawlers.codes import OutboxCodes
from crawlers.crawl import Crawler
from crawlers.cursors import Cursors
from crawlers.failures import Failures
from crawlers.leases import FileLeases
from crawlers.pace import Politeness
from crawlers.pauses import Pauses
from crawlers.progress import Progress
from crawlers.publishing import Outlet
from crawlers.samples import SamplesCrawl
from crawlers.saved import SavedSessions
from crawlers.session import Sessions
from crawlers.shelf import FileShelf
from schemas.crawl.messages import CrawlSamples
from tests.build.seller_centre import a_site
from tests.fakes.publisher import FakePublisher

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

_MEBIBYTE = 1024 * 1024


class Confirming(FakePublisher):
    """Confirms and keeps nothing, so that what grows is the crawler."""

    rows = 0

    def _publish(self, message: object) -> None:
        self.rows += message.body.count(b"platformProductId")  # type: ignore[attr-defined]


@dataclass
class Weighing:
    """Notes when pages came and what the crawler and its browser weighed then, in bytes."""

    every: int = 10
    at: list[float] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    site: int = 0

    def __call__(self, progress: Progress) -> None:
        self.at.append(time.monotonic())
        if progress.pages % self.every == 0:
            self.weights.append(self._weight())

    def _weight(self) -> int:
        """Return the proportional memory of this process and its browser, without the site's."""
        mine = psutil.Process()
        others = [child for child in mine.children(recursive=True) if child.pid != self.site]
        total = mine.memory_full_info().pss
        for each in others:
            try:
                total += each.memory_full_info().pss
            except psutil.NoSuchProcess:
                continue
        return int(total)


def crawler_of(url: str, folder: Path, watch: Weighing, publisher: FakePublisher, pages: int) -> Crawler:
    shelf = FileShelf(folder / "shelf")
    sessions = Sessions(
        accounts=Accounts([local_account(url)]),
        leases=FileLeases(folder / "leases"),
        pauses=Pauses(shelf),
        saved=SavedSessions(shelf),
        failures=Failures(folder / "failures"),
        wishes=BrowserWishes(patience=timedelta(seconds=20), pages=pages),
        politeness=Politeness(per_minute=0),
        codes=lambda _, session: OutboxCodes(session.fetch_json),
        base=url,
    )
    return Crawler(sessions=sessions, outlet=Outlet(publisher), cursors=Cursors(shelf), watch=watch)


async def test_two_thousand_rows_take_half_as_long_again_as_the_site_itself_at_most(tmp_path: Path) -> None:
    delays = 0.1 * 40
    took = []
    async with a_site("--samples", "2000", "--delay-ms", "100") as (url, _):
        for turn in range(3):
            publisher, watch = Confirming(), Weighing(every=10**9)
            crawler = crawler_of(url, tmp_path, watch, publisher, pages=150)
            wanted = CrawlSamples.model_validate({"tabs": "review", "scanAllPages": True})
            progress = await crawler.run(SamplesCrawl(wanted, f"figures-{turn}"))
            assert (progress.pages, publisher.rows, progress.recoveries) == (40, 2000, 0)
            # From the first page's arrival to the last one's: the browser's start and the login are no reading.
            took.append((watch.at[-2] - watch.at[0]) * 40 / 39)
    reading = statistics.median(took)
    each = ", ".join(f"{one:.2f}" for one in took)
    tell(f"2,000 rows: {reading:.2f} s of {each}; {delays:.1f} s of delays ({reading / delays:.2f}x)")
    assert reading <= 1.5 * delays


async def test_opened_drawers_take_half_as_long_again_as_the_site_itself_at_most(tmp_path: Path) -> None:
    publisher, watch = Confirming(), Weighing(every=10**9)
    async with a_site("--samples", "400", "--delay-ms", "100") as (url, _):
        crawler = crawler_of(url, tmp_path, watch, publisher, pages=150)
        wanted = CrawlSamples.model_validate({"tabs": "completed", "scanAllPages": True})
        began = time.monotonic()
        progress = await crawler.run(SamplesCrawl(wanted, "figures"))
        whole = time.monotonic() - began
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(*_address(url))
            writer.write(b"GET /_sandbox/counts HTTP/1.0\r\n\r\n")
            counts = (await reader.read()).decode()
            writer.close()
    delays = float(counts.split('"delayed_s":')[1].split(",")[0])
    reading = watch.at[-1] - began
    told = f"{reading:.1f} s, {delays:.1f} s of delays ({reading / delays:.2f}x); whole run {whole:.1f} s"
    tell(f"{publisher.rows} rows with drawers: {told}")
    assert progress.recoveries == 0
    assert reading <= 1.5 * delays + 5


async def test_memory_is_flat_over_twenty_thousand_rows(tmp_path: Path) -> None:
    publisher, watch = Confirming(), Weighing(every=10)
    async with a_site("--samples", "20000") as (url, pid):
        watch.site = pid
        crawler = crawler_of(url, tmp_path, watch, publisher, pages=100)
        wanted = CrawlSamples.model_validate({"tabs": "review", "scanAllPages": True})
        progress = await crawler.run(SamplesCrawl(wanted, "figures"))
    assert (progress.pages, publisher.rows) == (400, 20_000)
    quarters = [watch.weights[begin : begin + 10] for begin in range(0, 40, 10)]
    told = [f"{statistics.median(each) / _MEBIBYTE:.0f}" for each in quarters]
    tell(f"20,000 rows: {' '.join(told)} MiB by quarter, {max(watch.weights) / _MEBIBYTE:.0f} at most")
    assert statistics.median(quarters[3]) <= 1.1 * statistics.median(quarters[1])


def tell(figures: str) -> None:
    """Write a figure past pytest's capture."""
    sys.__stderr__.write(f"\n{figures}\n")  # type: ignore[union-attr]


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)
