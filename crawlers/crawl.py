"""What all crawls have in common: a session, pages that are published as they are read, a cursor, and another try.

A crawl reads; this drives it. Whatever a fresh browser or a new login mends costs the page in hand and no more.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol

import structlog
from playwright.async_api import Error

from brokers import metrics
from brokers.outgoing import Outgoing
from crawlers.browser import verdict_on
from crawlers.cursors import Cursor, Cursors
from crawlers.errors import (
    PageChanged,
    Passing,
    SessionLost,
    StillFailing,
    Throttled,
    TookTooLong,
    TurnOver,
)
from crawlers.progress import Progress, Watch, unwatched
from crawlers.publishing import Outlet
from crawlers.session import Session, Sessions
from schemas.clock import Clock, utc_now

log = structlog.get_logger()

#: Failures in a row at one place, over all tries of a command, before a person is to look.
MOST_FAILURES = 6
#: How long a crawl waits when it is told that it is too fast; twice as long each further time.
_PATIENCE = timedelta(seconds=15)
#: With its account and its message in hand; whoever asks for more is come back to.
_LONGEST_PATIENCE = timedelta(minutes=2)
_LAST_PAGE_S = 10.0


@dataclass(frozen=True, slots=True)
class Read:
    """What was read in one go: its messages, where to go on after it, and the rows as the export shows them."""

    messages: Sequence[Outgoing]
    next_place: dict[str, Any]
    rows: Sequence[dict[str, Any]]


class Crawl(Protocol):
    """One kind of crawl, with what it was asked for."""

    kind: str
    crawl_id: str

    @property
    def region(self) -> str:
        """Whose accounts may run it."""

    @property
    def account_name(self) -> str | None:
        """The account that is to run it, if it must be a certain one."""

    @property
    def longest(self) -> timedelta:
        """How long it may be worked on, rests left out."""

    def resumed(self, place: dict[str, Any]) -> dict[str, Any]:
        """Return where to go on in a later run, given where an earlier one stopped."""

    def read(self, session: Session, place: dict[str, Any], progress: Progress) -> AsyncGenerator[Read, None]:
        """Read on from a place to the end, page by page; an empty place is the beginning."""


class Sink(Protocol):
    """Where rows go besides the broker."""

    async def add(self, crawl_id: str, page_id: str, rows: Sequence[dict[str, Any]]) -> None:
        """Take the rows of a page that has been published; the same page may come again."""


@dataclass(kw_only=True)
class Crawler:
    """Runs crawls."""

    sessions: Sessions
    outlet: Outlet
    cursors: Cursors
    sink: Sink | None = None
    #: In one go a crawl takes no longer than this: the broker takes back what is not acked in time.
    turn: timedelta | None = None
    watch: Watch = unwatched
    clock: Clock = utc_now
    sleep: Any = field(default=asyncio.sleep)
    ticks: Callable[[], float] = time.monotonic

    async def run(self, crawl: Crawl) -> Progress:
        """Run a crawl from where it stands to its end; one that has ended is not run again.

        Raises TurnOver when there is more to do, and whatever stopped it; its cursor is kept either way.
        """
        crawl_id = crawl.crawl_id
        cursor = await self.cursors.load(crawl_id, self.clock())
        progress = Progress(crawl.kind, pages=cursor.pages, rows=cursor.rows, published=cursor.rows)
        progress.skipped, progress.tabled = cursor.skipped, cursor.tabled
        if cursor.is_done:
            log.info("crawl_repeated", crawl=crawl.kind, crawl_id=crawl_id)
            progress.doing, progress.was_done = "done before", True
            return progress
        run = _Run(self, crawl, cursor, progress)
        try:
            async with self.sessions.open(crawl.region, crawl.account_name) as session:
                progress.account = session.account.name
                await run.to_end(session)
        except Error as error:
            raise verdict_on(error) from error
        finally:
            await run.keep()
        progress.doing = "done"
        self.watch(progress)
        log.info("crawl_done", crawl=crawl.kind, crawl_id=crawl_id, pages=progress.pages, rows=progress.rows)
        return progress


class _Run:
    """One go at a crawl."""

    def __init__(self, crawler: Crawler, crawl: Crawl, cursor: Cursor, progress: Progress) -> None:
        self._crawler = crawler
        self._crawl = crawl
        self._cursor = cursor
        self._progress = progress
        self._token = 0
        self._pages = 0
        self._since_fresh = 0
        #: Where an earlier run's crawl goes on: before its cursor, which does not move back for that.
        self._begin = crawl.resumed(cursor.place) if cursor.place else {}
        self._owed = int(self._begin != cursor.place)
        self._counted_to = crawler.ticks()
        self._ends_at = self._counted_to + (float("inf") if crawler.turn is None else crawler.turn.total_seconds())

    async def to_end(self, session: Session) -> None:
        """Read to the end, through whatever passes."""
        self._token = session.lease.token
        throttled = 0
        while True:
            before = self._cursor.pages
            try:
                await self._through(session)
            except _TooOld:
                await self._renew(session)
            except (Passing, PageChanged, Error) as error:
                await self._recover(session, verdict_on(error) if isinstance(error, Error) else error)
            except Throttled as error:
                throttled = throttled + 1 if self._cursor.pages == before else 0
                await self._wait_out(error, throttled)
            else:
                self._cursor = replace(self._cursor, is_done=True)
                return

    async def keep(self) -> None:
        """Keep the cursor as it is now."""
        self._count_time()
        with contextlib.suppress(Exception):  # What stopped the crawl is what counts, and the last page's is kept.
            await self._crawler.cursors.save(self._cursor, self._token)

    async def _through(self, session: Session) -> None:
        """Read from the cursor to the end; a page is published while the next one is read."""
        publishing: asyncio.Task[None] | None = None
        pages = self._crawl.read(session, self._begin, self._progress)
        try:
            async for page in pages:
                if publishing is not None:
                    await publishing
                publishing = asyncio.create_task(self._published(session, page))
                await session.page_done()
                await self._check(session, publishing)
        except BaseException:
            await _finished(publishing)
            raise
        finally:
            await pages.aclose()
        if publishing is not None:
            await publishing

    async def _published(self, session: Session, page: Read) -> None:
        await self._crawler.outlet.publish(page.messages)
        session.lease.check()
        self._cursor = await self._tabled(page)
        self._cursor = replace(self._cursor.advanced(page.next_place, len(page.rows)), skipped=self._progress.skipped)
        self._count_time()
        self._begin = self._cursor.place
        await self._crawler.cursors.save(self._cursor, self._token)
        self._progress.published += len(page.rows)
        metrics.crawl_pages.labels(self._crawl.kind).inc()
        metrics.crawl_rows.labels(self._crawl.kind).inc(len(page.rows))
        self._crawler.watch(self._progress)

    async def _tabled(self, page: Read) -> Cursor:
        """Tell the sink of a page, and return the cursor that counts it."""
        if self._crawler.sink is None or not page.messages:
            return self._cursor
        await self._crawler.sink.add(self._cursor.crawl_id, page.messages[-1].message_id, page.rows)
        self._progress.tabled += 1
        return replace(self._cursor, tabled=self._progress.tabled)

    def _count_time(self) -> None:
        """Add what has been worked since the last time to the cursor: a rest of the account is no work."""
        now = self._crawler.ticks()
        self._cursor = replace(self._cursor, worked_s=self._cursor.worked_s + now - self._counted_to)
        self._counted_to = now

    async def _check(self, session: Session, publishing: "asyncio.Task[None]") -> None:
        """Stop between two pages where that is due."""
        self._since_fresh += 1
        self._pages += 1
        self._count_time()
        if self._cursor.worked_s > self._crawl.longest.total_seconds():
            await publishing
            self._cursor = replace(self._cursor, worked_s=0.0)  # whoever asks again wants it to go on
            raise TookTooLong(f"the crawl has been worked on for longer than {self._crawl.longest}")
        # A turn that only repeats a page would be followed by another such turn, for ever.
        if self._crawler.ticks() >= self._ends_at and self._pages > self._owed:
            await publishing
            raise TurnOver(f"{self._progress.place}: goes on from here")
        if session.is_old(self._since_fresh):
            await publishing
            raise _TooOld

    async def _renew(self, session: Session) -> None:
        self._since_fresh = 0
        self._progress.doing = "fresh browser"
        self._crawler.watch(self._progress)
        try:
            await session.renew()
        except (Passing, Error) as error:
            await self._recover(session, verdict_on(error) if isinstance(error, Error) else error)

    async def _recover(self, session: Session, error: Passing | PageChanged) -> None:
        """Go on after a failure, unless there were too many at this place."""
        while True:
            self._cursor = replace(self._cursor, failures=self._cursor.failures + 1)
            metrics.crawl_failures.labels(self._crawl.kind, type(error).__name__).inc()
            self._progress.recoveries += 1
            self._progress.doing = f"recovering: {type(error).__name__}"
            self._progress.note = str(error)[:160]
            self._crawler.watch(self._progress)
            log.warning("crawl_failed", crawl=self._crawl.kind, place=self._progress.place, error=str(error)[:300])
            kept = await session.keep_failure(f"{self._crawl.kind} {self._progress.place}", error)
            self._give_up_after_many(error, f" (see {kept})")
            try:
                await self._mend(session, error)
            except (Passing, PageChanged) as again:
                error = again
            except Error as again:
                error = verdict_on(again)
            else:
                return

    async def _mend(self, session: Session, error: Passing | PageChanged) -> None:
        """Log in again where the session was lost; else take a fresh browser, after a while from the second time on."""
        if isinstance(error, SessionLost):
            await session.log_in()
            return
        if self._cursor.failures > 1:
            await self._crawler.sleep(min(2.0**self._cursor.failures, 30.0))
        self._since_fresh = 0
        await session.renew()

    async def _wait_out(self, error: Throttled, times: int) -> None:
        self._cursor = replace(self._cursor, failures=self._cursor.failures + 1)
        self._give_up_after_many(error)
        if error.after is not None and error.after > _LONGEST_PATIENCE:
            raise error
        wait = error.after or min(_PATIENCE * 2 ** max(times - 1, 0), _LONGEST_PATIENCE)
        log.warning("crawl_throttled", crawl=self._crawl.kind, wait_s=wait.total_seconds())
        self._progress.doing = f"asked to wait {wait.total_seconds():.0f} s"
        self._crawler.watch(self._progress)
        await self._crawler.sleep(wait.total_seconds())

    def _give_up_after_many(self, error: Exception, see: str = "") -> None:
        if self._cursor.failures >= MOST_FAILURES:
            self._cursor = replace(self._cursor, failures=0)  # whoever asks again has mended something
            raise StillFailing(f"{self._progress.place}: {error}{see}") from error


async def _finished(publishing: "asyncio.Task[None] | None") -> None:
    """Give a page that is being published a little time, whatever ends the crawl; it is read again if that fails."""
    if publishing is None:
        return
    await asyncio.wait({publishing}, timeout=_LAST_PAGE_S)
    if not publishing.done():
        publishing.cancel()
    elif not publishing.cancelled() and (error := publishing.exception()):
        log.warning("crawl_page_not_published", error=str(error)[:200])


class _TooOld(Exception):
    """The browser has read enough pages."""
