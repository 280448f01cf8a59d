"""A creator's page: sections that load as one scrolls to them, and what to reach the creator by."""

from collections.abc import Mapping
from typing import Any, ClassVar

from playwright.async_api import Error, Locator

from crawlers.browser import told
from crawlers.errors import SiteFailed
from crawlers.pages.arrivals import Arrivals, arriving
from crawlers.pages.page import SitePage

#: How long a section may take once it was scrolled to; without it the creator is told with what came.
_SECTION_S = 10.0


class CreatorDetailPage(SitePage):
    """A creator's page; what its calls answer is returned by section, as it came."""

    name = "creator detail"
    path = "/affiliate-cmp/creator/detail"
    ready = "title"
    call = "/affiliate/creator/marketplace/profile"
    sections: ClassVar[tuple[str, ...]] = ("basic", "sales", "content", "audience")
    selectors: ClassVar[Mapping[str, str]] = {
        "title": "h1:has-text('Creator details')",
        "section": ".profile-section",
        "show_contact": "button.show-contact",
    }
    occasional: ClassVar[frozenset[str]] = frozenset({"show_contact"})

    def parts(self) -> Mapping[str, tuple[str, Locator]]:
        """Return the sections: they are told apart by their order."""
        return {
            f"section {name}": (f"{self.selectors['section']}, number {number + 1}", self.at("section").nth(number))
            for number, name in enumerate(self.sections)
        }

    async def profile(self, creator_id: str) -> dict[str, dict[str, Any]]:
        """Open a creator's page, look at all of it, and return the sections that came.

        A section that fails is left out; raises what keeps the whole page away.
        """
        mine = f"creator_id={creator_id}"
        async with arriving(self.tab, lambda response: self.call in response.url and mine in response.url) as came:
            await self.open(cid=creator_id)
            for number in range(len(self.sections)):
                await self._scroll_to(number)
                await came.at_least(number + 1, _SECTION_S)
            await self._ask_contact(came)
            return await self._read(came, creator_id)

    async def _scroll_to(self, number: int) -> None:
        """Bring a section into view, which makes it load."""
        with told():
            section = self.at("section").nth(number)
            if await section.count():
                await section.scroll_into_view_if_needed()

    async def _ask_contact(self, came: Arrivals) -> None:
        """Have the creator's addresses shown, where the page offers it."""
        with told():
            button = self.at("show_contact").first
            if await button.count():
                await button.click()
                await came.at_least(len(self.sections) + 1, _SECTION_S)

    async def _read(self, came: Arrivals, creator_id: str) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for arrival in came.listed:
            try:
                data = await arrival.data
            except (SiteFailed, Error):
                await self.raise_for_wall()
                continue
            if str(data.get("creator_id", creator_id)) == creator_id:
                read[str(data.get("section", ""))] = data
        return read
