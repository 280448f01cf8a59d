"""Campaigns, and the products that are approved for one."""

from collections.abc import Mapping
from typing import Any, ClassVar

from crawlers.pages.paging import PagedList


class CampaignsPage(PagedList):
    """The list of campaigns; what its call answers is returned as it came."""

    name = "campaigns"
    path = "/affiliate-campaign/campaign"
    ready = "title"
    call = "/affiliate/partner/campaign/list"
    size = 10
    selectors: ClassVar[Mapping[str, str]] = {
        "title": "h1:has-text('Campaigns')",
        "rows": ".campaign-row",
    }
    occasional: ClassVar[frozenset[str]] = frozenset({"rows"})

    async def first(self) -> dict[str, Any]:
        """Open the list, and return the data of its first page."""
        return await self.answer(self.call, self.open)


class CampaignPage(PagedList):
    """One campaign's products; what its call answers is returned as it came."""

    name = "campaign"
    path = "/affiliate-campaign/campaign/detail"
    ready = "title"
    call = "/affiliate/partner/campaign/product/list"
    size = 20
    selectors: ClassVar[Mapping[str, str]] = {
        "title": "h1:has-text('Campaign details')",
        "approved": "[role=tab]:has-text('Approved')",
        "rows": ".product-row",
    }
    occasional: ClassVar[frozenset[str]] = frozenset({"rows"})

    async def approved(self, campaign_id: str) -> dict[str, Any]:
        """Open a campaign's approved products, and return the data of their first page."""
        await self.answer(self.call, lambda: self.open(campaign_id=campaign_id), campaign_id=campaign_id)
        return await self.answer(self.call, lambda: self.click("approved"), campaign_id=campaign_id, status="approved")
