"""The crawl of sample requests: campaign by campaign, tab by tab, page by page."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from brokers.outgoing import Outgoing
from crawlers.crawl import Read
from crawlers.errors import PageChanged, SiteFailed
from crawlers.pages.sample_requests import SampleRequestsPage
from crawlers.progress import Progress
from crawlers.publishing import page_message
from crawlers.rows import samples as rows_of
from crawlers.rows.reading import storable
from crawlers.session import Session
from schemas.clock import Clock, utc_now
from schemas.crawl.messages import CrawlSamples
from schemas.crawl.tabs import Tab
from schemas.samples.messages import IngestSamples

log = structlog.get_logger()

SOURCE = "mesh.crawlers.samples"
#: Tabs in which creators may have published, or samples are on their way.
_WITH_CONTENT = frozenset({Tab.PENDING, Tab.COMPLETED})
_WITH_LOGISTICS = frozenset({Tab.SHIPPED, Tab.PENDING, Tab.COMPLETED})
#: What a page's options say of the page itself; a thousand campaigns would not fit beside every row.
_LISTS = frozenset({"campaign_id", "campaign_ids", "tabs"})
#: So many rows that show the same product and creator are opened to find the one that is meant.
_ALIKE = 5
#: How often one row's drawer is tried before the row is left out.
_DRAWER_TRIES = 3
#: How often in a row a list that becomes shorter is gone back in, before it is read on as it is.
_REREADS = 3


@dataclass
class SamplesCrawl:
    """What a command asks for."""

    command: CrawlSamples
    crawl_id: str
    clock: Clock = utc_now
    kind: str = "samples"
    #: What its messages' ids follow from, where the crawl's own id is not new for every run.
    run: str = ""
    trouble: Counter[str] = field(default_factory=Counter)

    @property
    def region(self) -> str:
        """Whose accounts may run it."""
        return self.command.region

    @property
    def account_name(self) -> str | None:
        """The account that is to run it, if it must be a certain one."""
        return self.command.account_name

    @property
    def longest(self) -> timedelta:
        """How long it may be worked on, rests left out."""
        return self.command.longest

    def resumed(self, place: dict[str, Any]) -> dict[str, Any]:
        """Return where to go on after a while: a page before, for requests that left the tab moved others up."""
        return {**place, "page": max(int(place.get("page", 1)) - 1, 1)}

    async def read(self, session: Session, place: dict[str, Any], progress: Progress) -> AsyncGenerator[Read, None]:
        """Read on from a place: the list's number, the page to begin with, and how long the list was then."""
        lists = [(campaign, tab) for campaign in self.command.campaigns or [""] for tab in self.command.tabs]
        begin = int(place.get("list", 0))
        for number, (campaign, tab) in enumerate(lists):
            if number < begin:
                continue
            first, total = (int(place.get("page", 1)), place.get("total")) if number == begin else (1, None)
            listed = _List(self, session, progress, number, campaign, tab)
            async with aclosing(listed.read(first, total)) as pages:
                async for read in pages:
                    yield read

    def message(self, session: Session, rows: Sequence[dict[str, Any]], campaign: str, tab: Tab, page: int) -> Outgoing:
        """Return a page's rows as the message that stores them."""
        told = self.command.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"function", *_LISTS})
        options = {**told, "tabs": [tab.label], "page": page, "accountName": session.account.name}
        body = IngestSamples(
            source=SOURCE,
            operator_id=self.command.operator_id or session.account.operator_id,
            options=options | ({"campaignId": campaign} if campaign else {}),
            rows=list(rows),
        )
        return page_message(body, self.run or self.crawl_id, campaign, tab, page, rows=rows)


class _List:
    """One tab of one campaign, or of all."""

    def __init__(
        self, crawl: SamplesCrawl, session: Session, progress: Progress, number: int, campaign: str, tab: Tab
    ) -> None:
        self._crawl = crawl
        self._session = session
        self._progress = progress
        self._number = number
        self._campaign = campaign
        self._tab = tab
        self._page = SampleRequestsPage(session.tab, session.site, session.wishes.patience)
        #: The requests of this list that were read, by the site's id.
        self._seen: set[str] = set()
        self._rereads = 0

    async def read(self, first: int, before: int | None = None) -> AsyncGenerator[Read, None]:
        """Read from page `first` to the last one that is wanted; `before` is how many requests there were then.

        Where no drawer of a page is opened, the next page is asked for while this one is worked on.
        """
        page, data = await self._opened(first, before)
        upcoming: asyncio.Task[dict[str, Any]] | None = None
        try:
            while True:
                self._say(page, data)
                is_last = self._is_enough(page) or not await self._page.has_next(data, page)
                if not is_last and not self._opens_drawers:
                    upcoming = asyncio.create_task(self._turned(page + 1))
                    await asyncio.sleep(0)  # it begins before the rows take their time
                rows = await self._rows_of(self._records(data))
                following = {"list": self._number, "page": page + 1, "total": data.get("total")}
                following = {"list": self._number + 1} if is_last else following
                self._progress.pages += 1
                self._progress.rows += len(rows)
                messages = [self._crawl.message(self._session, rows, self._campaign, self._tab, page)] if rows else []
                yield Read(messages, following, rows)
                if is_last:
                    return
                before, fresh = data.get("total"), await (upcoming or self._turned(page + 1))
                upcoming = None
                page, data = await self._gone_back(page + 1, fresh, before)
        finally:
            if upcoming is not None:
                upcoming.cancel()
                await asyncio.gather(upcoming, return_exceptions=True)

    @property
    def _opens_drawers(self) -> bool:
        command = self._crawl.command
        return (command.expand_view_content and self._tab in _WITH_CONTENT) or (
            command.view_logistics and self._tab in _WITH_LOGISTICS
        )

    async def _turned(self, page: int) -> dict[str, Any]:
        await self._session.turn()
        return await self._page.turn(page)

    def _is_enough(self, page: int) -> bool:
        command = self._crawl.command
        if command.max_pages is not None and page >= command.max_pages:
            return True
        return not command.reads_all_pages and command.max_pages is None

    async def _gone_back(self, page: int, data: dict[str, Any], before: Any) -> tuple[int, dict[str, Any]]:
        """Return a page, or where to begin again: requests that left the list have moved others to earlier pages."""
        if not (back := self._moved(data, before)) or self._rereads >= _REREADS:
            self._rereads = 0
            return page, data
        self._rereads += 1
        log.info("crawl_list_became_shorter", tab=self._tab, page=page, before=before, now=data.get("total"))
        return await self._opened(max(page - back, 1))

    def _moved(self, data: dict[str, Any], before: Any) -> int:
        """Return by how many pages a list's requests may have moved up since it had `before` of them."""
        total = data.get("total")
        fallen = before - total if isinstance(before, int) and isinstance(total, int) else 0
        return -(-max(fallen, 0) // self._page.size)

    async def _opened(self, first: int, before: int | None = None) -> tuple[int, dict[str, Any]]:
        """Open the list at a page, or before it where it has become shorter since; return which one, and its data."""
        await self._session.turn()
        data = await self._page.open_tab(self._tab)
        if self._campaign:
            await self._session.turn()
            data = await self._page.search_campaign(self._campaign)
        first = max(first - self._moved(data, before), 1)
        if first > 1:
            await self._session.turn()
            return await self._page.go_to(first, data)
        return 1, data

    def _records(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the requests of a page; those of another campaign, which a search by a part would find, are left."""
        listed = data.get("list")
        if not isinstance(listed, list):
            raise PageChanged("the list of sample requests is no list")
        records = [record for record in listed if isinstance(record, dict)]
        if not self._campaign:
            return records
        return [record for record in records if rows_of.campaign_id(record) == self._campaign]

    async def _rows_of(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows of a page, without those that were read; a request that is none spoils no other.

        Raises PageChanged where every request is none: the site calls things otherwise.
        """
        rows: list[dict[str, Any]] = []
        unreadable = 0
        for record in records:
            whose = rows_of.apply_id(record)
            if whose and whose in self._seen:
                continue
            try:
                rows += [storable(row) for row in await self._rows(record)]
            except rows_of.Unreadable as error:
                self._progress.skipped += 1
                unreadable += not isinstance(error, rows_of.DrawerFailed)
                log.warning("crawl_record_unreadable", tab=self._tab, reason=str(error))
            self._seen.add(whose)
        if records and unreadable == len(records):
            raise PageChanged("no sample request of the page can be read")
        return rows

    async def _rows(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        command = self._crawl.command
        row = rows_of.sample_row(record, self._tab, self._crawl.region, self._crawl.clock())
        contents: list[dict[str, Any]] = []
        logistics = None
        if command.expand_view_content and self._tab in _WITH_CONTENT and _may_have_content(record):
            contents = await self._drawer(record, "contents")
        if command.view_logistics and self._tab in _WITH_LOGISTICS:
            logistics = await self._drawer(record, "logistics")
        return rows_of.with_contents(row, contents, logistics)

    async def _drawer(self, record: dict[str, Any], what: str) -> Any:
        """Return what a request's own drawer tells.

        A drawer that fails is tried again on a fresh page, as all failures are; one that fails again and again costs
        its row, which is left out: told without its contents, it would look as if nothing had been published.
        """
        product, creator = rows_of.marks(record)
        if not (wanted := rows_of.apply_id(record)):
            raise PageChanged("a sample request has no apply_id, so no drawer can be told to be its own")
        if self._crawl.trouble[wanted] >= _DRAWER_TRIES:
            raise rows_of.DrawerFailed(f"the {what} of {wanted} could not be read before")
        try:
            return await self._own_drawer(product, creator, wanted, what)
        except (SiteFailed, PageChanged) as error:
            self._crawl.trouble[wanted] += 1
            if self._crawl.trouble[wanted] < _DRAWER_TRIES:
                raise
            await self._page.close_drawers()
            raise rows_of.DrawerFailed(f"the {what} of {wanted} cannot be read: {error}") from error

    async def _own_drawer(self, product: str, creator: str, wanted: str, what: str) -> Any:
        """Open drawers of rows that look alike until one answers with the wanted id: rows may have moved."""
        open_drawer = self._page.contents if what == "contents" else self._page.logistics
        tried: list[float] = []
        for _ in range(_ALIKE):
            await self._session.turn()
            told = await open_drawer(product, creator, tried)
            if told is None:
                break
            whose, found = told
            if whose == wanted:
                return found
        raise SiteFailed(f"no row shows product {product} and creator {creator}")

    def _say(self, page: int, data: dict[str, Any]) -> None:
        self._progress.expected = pages = self._page.pages_of(data)
        where = f" of campaign {self._campaign}" if self._campaign else ""
        self._progress.place = f"{self._tab.label}{where}, page {page}{f' of {pages}' if pages else ''}"
        self._progress.doing = "reading"


def _may_have_content(record: dict[str, Any]) -> bool:
    """Tell whether a drawer is worth opening: where the list counts contents, those with none are left closed."""
    counts = record.get("content_count")
    return not isinstance(counts, dict) or any(counts.values())
