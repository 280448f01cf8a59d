"""Lists in numbered pages, as several pages of the site have them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from playwright.async_api import Locator
from playwright.async_api import TimeoutError as Late

from crawlers.browser import told
from crawlers.errors import PageChanged
from crawlers.pages.page import MIDDLE, SitePage

#: How long the buttons below a list may take to be drawn once its rows have come.
_DRAWN_MS = 2000

#: Waits for something that may be drawn a moment later, and returns where its middle is, or null: in one call, since a
#: page that has just got its rows is slow to answer.
_AWAIT_MIDDLE = f"""
async ([css, patience]) => {{
  const middle = {MIDDLE};
  const until = performance.now() + patience;
  for (;;) {{
    const found = document.querySelector(css);
    if (found) return middle(found);
    if (performance.now() > until) return null;
    await new Promise((done) => setTimeout(done, 5));
  }}
}}
"""


class PagedList(SitePage):
    """A page with a list whose pages are numbered from 1; `call` is a part of the address of the list's call."""

    call: ClassVar[str]
    #: What a page holds; what the first page holds in fact is believed more.
    size: int
    paging: ClassVar[Mapping[str, str]] = {
        "next": "li.arco-pagination-item-next",
        "jumper": ".arco-pagination-jumper input",
    }

    def page_part(self, name: str, within: Locator | None = None) -> Locator:
        """Return a part of the pagination, of the list itself or of one in a drawer."""
        return (within or self.tab.locator("main, body").first).locator(self.paging[name]).first

    def pages_of(self, data: Mapping[str, Any]) -> int | None:
        """Return how many pages there are by an answer's total, at least one; None where it tells no total."""
        total = data.get("total")
        return max(-(-total // self.size), 1) if isinstance(total, int) else None

    async def has_next(self, data: Mapping[str, Any], page: int) -> bool:
        """Tell whether there is a page after this one: by the answer's total, else by the button.

        Pages that hold fewer than is known of them may be smaller ones, or lack a row that is hidden: then both count.
        """
        if page == 1:
            self._learn_size(data)
        is_smaller, pages = self.size < type(self).size, self.pages_of(data)
        if pages is not None and (page >= pages or not is_smaller):
            return page < pages
        return await self.can_turn()

    async def can_turn(self, within: Locator | None = None) -> bool:
        """Tell whether the button to the next page is there, and not disabled."""
        with told():
            button = self.page_part("next", within)
            try:
                await button.wait_for(state="attached", timeout=_DRAWN_MS)
            except Late:
                return False
            return "disabled" not in (await button.get_attribute("class") or "")

    async def turn(self, page: int) -> dict[str, Any]:
        """Go on to page `page`, the next one, and return its data."""
        with told():
            spot = await self.tab.evaluate(_AWAIT_MIDDLE, [self.paging["next"], self.patience_ms])
        if spot is None:
            await self.raise_for_wall()
            raise PageChanged(f"{self.name} does not show next ({self.paging['next']})")
        return await self.answer(self.call, lambda: self.press_at(*spot), page=page)

    async def turn_within(self, drawer: Locator, page: int, call: str, **sent: Any) -> dict[str, Any]:
        """Go on to page `page` of a list in a drawer, and return its data."""
        button = self.page_part("next", drawer)
        return await self.answer(call, lambda: self.press(button), page=page, **sent)

    async def go_to(self, page: int, data: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return the data of page `page`, or of the last one where the list has become shorter, and its number.

        Comes from page 1 with `data`: by the jumper, else step by step.
        """
        self._learn_size(data)
        page = min(page, self.pages_of(data) or page)
        if page <= 1:
            return 1, data
        jumper = self.page_part("jumper")
        with told():
            has_jumper = await jumper.count() > 0
        if has_jumper:
            return page, await self.answer(self.call, lambda: _jump(jumper, page), page=page)
        for number in range(2, page + 1):
            if not await self.has_next(data, number - 1):
                return number - 1, data
            data = await self.turn(number)
        return page, data

    def _learn_size(self, data: Mapping[str, Any]) -> None:
        """Take what the first page of several holds for the size of all."""
        listed, total = data.get("list"), data.get("total")
        if isinstance(listed, list) and isinstance(total, int) and 0 < len(listed) < total:
            self.size = len(listed)


async def _jump(jumper: Locator, page: int) -> None:
    await jumper.fill(str(page))
    await jumper.press("Enter")
