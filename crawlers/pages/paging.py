"""Lists in numbered pages, as several pages of the site have them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from playwright.async_api import Locator

from crawlers.browser import told
from crawlers.errors import SiteFailed
from crawlers.pages.page import SitePage


class PagedList(SitePage):
    """A page with a list whose pages are numbered from 1; `call` is a part of the address of the list's call."""

    call: ClassVar[str]
    size: ClassVar[int]
    paging: ClassVar[Mapping[str, str]] = {
        "next": "li.arco-pagination-item-next",
        "jumper": ".arco-pagination-jumper input",
    }

    def page_part(self, name: str, within: Locator | None = None) -> Locator:
        """Return a part of the pagination, of the list itself or of one in a drawer."""
        return (within or self.tab.locator("main, body").first).locator(self.paging[name]).first

    async def has_next(self, data: Mapping[str, Any], page: int, size: int | None = None) -> bool:
        """Tell whether there is a page after this one: by the answer's total, else by the button."""
        total = data.get("total")
        if isinstance(total, int):
            return page * (size or self.size) < total
        with told():
            button = self.page_part("next")
            if not await button.count():
                return False
            return "disabled" not in (await button.get_attribute("class") or "")

    async def turn(self, page: int, within: Locator | None = None, call: str | None = None) -> dict[str, Any]:
        """Go on to page `page`, the next one, and return its data."""
        button = self.page_part("next", within)
        return await self.answer(call or self.call, lambda: self.press(button), page=page)

    async def go_to(self, page: int, data: dict[str, Any]) -> dict[str, Any]:
        """Return the data of page `page`, coming from page 1 with `data`: by the jumper, else step by step."""
        if page <= 1:
            return data
        jumper = self.page_part("jumper")
        with told():
            has_jumper = await jumper.count() > 0
        if has_jumper:
            return await self.answer(self.call, lambda: _jump(jumper, page), page=page)
        for number in range(2, page + 1):
            if not await self.has_next(data, number - 1):
                raise SiteFailed(f"{self.name} ends before page {page}")
            data = await self.turn(number)
        return data


async def _jump(jumper: Locator, page: int) -> None:
    await jumper.fill(str(page))
    await jumper.press("Enter")
