"""The crawl of campaigns: the list, and the approved products of each one."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from brokers.outgoing import Outgoing
from crawlers.crawl import Read
from crawlers.errors import PageChanged
from crawlers.pages.campaigns import CampaignPage, CampaignsPage
from crawlers.progress import Progress
from crawlers.publishing import page_message
from crawlers.rows.campaigns import campaign_id, campaign_rows, product_row, table_row
from crawlers.rows.reading import storable
from crawlers.session import Session
from schemas.clock import Clock, utc_now
from schemas.crawl.messages import CrawlCampaigns
from schemas.creators.messages import IngestCampaigns, IngestProducts
from schemas.ingestion import Page

SOURCE = "mesh.crawlers.campaigns"


@dataclass
class CampaignsCrawl:
    """What a command asks for."""

    command: CrawlCampaigns
    crawl_id: str
    clock: Clock = utc_now
    kind: str = "campaigns"
    #: What its messages' ids follow from, where the crawl's own id is not new for every run.
    run: str = ""

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
        """Go on exactly there: campaigns that have been read are known by id."""
        return place

    async def read(self, session: Session, place: dict[str, Any], progress: Progress) -> AsyncGenerator[Read, None]:
        """Read on, one campaign at a time; the place is which have been read.

        A campaign's products are read in a tab of their own, so that the list stays on its page.
        """
        done: list[str] = list(place.get("done", ()))
        known = set(done)
        async with session.beside() as tab, aclosing(self._listed(session, progress)) as listed:
            detail = CampaignPage(tab, session.site, session.wishes.patience)
            async for campaign in listed:
                which = campaign_id(campaign)
                if which is None or which in known or not self._is_wanted(which):
                    continue
                progress.place, progress.doing = f"campaign {campaign.get('name') or which}", "reading"
                products = await self._products(session, detail, which)
                known.add(which)
                done.append(which)
                progress.pages += 1
                yield self._read(session, campaign, products, done, progress)

    def _is_wanted(self, which: str) -> bool:
        return not self.command.campaigns or which in self.command.campaigns

    async def _listed(self, session: Session, progress: Progress) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the campaigns of the pages that are wanted, and stop when every named one has come."""
        listing = CampaignsPage(session.tab, session.site, session.wishes.patience)
        await session.turn()
        data, page = await listing.first(), 1
        missing = set(self.command.campaigns)
        while True:
            found = data.get("list")
            if not isinstance(found, list):
                raise PageChanged("the list of campaigns is no list")
            progress.expected = len(missing) or data.get("total")
            for campaign in found:
                if isinstance(campaign, dict):
                    yield campaign
                    missing.discard(campaign_id(campaign) or "")
            if self._is_enough(page, missing) or not await listing.has_next(data, page):
                return
            page += 1
            await session.turn()
            data = await listing.turn(page)

    def _is_enough(self, page: int, missing: set[str]) -> bool:
        if self.command.campaigns and not missing:
            return True
        if self.command.max_pages is not None:
            return page >= self.command.max_pages
        return not self.command.campaigns and not self.command.reads_all_pages

    async def _products(self, session: Session, detail: CampaignPage, which: str) -> list[dict[str, Any]]:
        """Return a campaign's approved products, of all their pages."""
        await session.turn()
        data, page = await detail.approved(which), 1
        products: list[dict[str, Any]] = []
        while True:
            products += [each for each in data.get("list") or [] if isinstance(each, dict)]
            if not await detail.has_next(data, page):
                return products
            page += 1
            await session.turn()
            data = await detail.turn(page)

    def _read(
        self,
        session: Session,
        campaign: dict[str, Any],
        products: list[dict[str, Any]],
        done: list[str],
        progress: Progress,
    ) -> Read:
        """Return what was read of a campaign: itself first, then its products."""
        which, now = campaign_id(campaign) or "", self.clock()
        own = [storable(row) for row in campaign_rows(campaign, products, self.region, now)]
        goods = [storable(product_row(product, which, self.region, now)) for product in products]
        shown = [storable(table_row(campaign, product, self.region, now)) for product in products] or own
        goods = [row for row in goods if "platformProductId" in row]
        messages = [self._message(IngestCampaigns, session, which, own)]
        if goods:
            messages.append(self._message(IngestProducts, session, which, goods))
        progress.rows += len(goods) + len(own)
        return Read(messages, {"done": list(done)}, shown)

    def _message(self, kind: type[Page], session: Session, which: str, rows: list[dict[str, Any]]) -> Outgoing:
        body = kind(
            source=SOURCE,
            operator_id=self.command.operator_id or session.account.operator_id,
            options={"accountName": session.account.name, "region": self.region},
            rows=rows,
        )
        return page_message(body, self.run or self.crawl_id, which, rows=rows)
