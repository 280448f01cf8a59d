"""The page of sample requests: six tabs, pages of 50, drawers with what was published and how it was shipped."""

from collections.abc import Mapping
from typing import Any, ClassVar

from playwright.async_api import Locator
from playwright.async_api import TimeoutError as Late

from crawlers.browser import told
from crawlers.errors import PageChanged
from crawlers.pages.page import MIDDLE
from crawlers.pages.paging import PagedList
from schemas.crawl.tabs import Tab

_CONTENT_CALL, _LOGISTICS_CALL = "/sample/content/list", "/sample/logistics"
#: Of one sample's contents no more pages than this are read.
_CONTENT_PAGES = 20
_LIVE_TAB = "LIVE"
_WORDS = {"1": "video", "2": "live"}

#: Looks for a row's button among the rows that are drawn, and scrolls through them all: the table draws only what can
#: be seen. Looks a few times more after a while, for it may have been drawing. Rows are told apart by their places in
#: the table, in pixels from its top; those that were tried are passed over. Returns where to click, and the place.
_FIND_ROW = (
    """
async ([rows, body, product, creator, button, tried]) => {
  const middle = """
    + MIDDLE
    + """;
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const spot = (table) => {
    for (const row of document.querySelectorAll(rows)) {
      const found = row.innerText.includes(product) && row.innerText.includes(creator) && row.querySelector(button);
      const top = table ? table.scrollTop - table.getBoundingClientRect().top : window.scrollY;
      const place = row.getBoundingClientRect().top + top;
      if (!found || tried.some((one) => Math.abs(one - place) < 4)) continue;
      return [...middle(found), place];
    }
    return null;
  };
  for (let round = 0; round < 4; round++) {
    for (let waited = 0; waited < 40 && !document.querySelector(rows); waited++) await pause(50);
    const table = document.querySelector(body);
    const seen = spot(table);
    if (seen || !table) return seen;
    const begin = table.scrollTop, step = Math.max(table.clientHeight - 80, 80);
    const last = Math.max(table.scrollHeight - table.clientHeight, 0), stops = [];
    for (let at = begin + step; at < last; at += step) stops.push(at);
    stops.push(last);
    for (let at = 0; at < begin; at += step) stops.push(at);
    for (const stop of stops) {
      table.scrollTop = stop;
      await Promise.race([frames(), pause(300)]);
      const seen = spot(table);
      if (seen) return seen;
    }
    await pause(300);
  }
  return null;
}
"""
)


class SampleRequestsPage(PagedList):
    """Sample requests; what its list's call answers is returned as it came."""

    name = "sample requests"
    path = "/affiliate-campaign/sample-requests"
    ready = "title"
    call = "/affiliate/partner/sample/records/list"
    size = 50
    selectors: ClassVar[Mapping[str, str]] = {
        "title": ":text('Manage samples')",
        "tab": "[role=tab].arco-tabs-header-title",
        "active_tab": "[role=tab].arco-tabs-header-title-active",
        "search_type": "select.search-type, [aria-label='Search by']",
        "search": "input.search-input",
        "search_icon": "button.search-icon",
        "rows": "[role=row].arco-table-tr",
        "body": ".arco-table-body",
        "drawer": ".arco-drawer[role=dialog]",
        "drawer_close": ".arco-drawer-close-icon",
    }
    occasional: ClassVar[frozenset[str]] = frozenset({"rows", "drawer", "drawer_close"})
    #: What a row has only in some tabs.
    buttons: ClassVar[Mapping[str, str]] = {"content": "button.view-content", "logistics": "button.view-logistics"}

    later_calls: ClassVar[Mapping[str, str]] = {"content call": _CONTENT_CALL, "logistics call": _LOGISTICS_CALL}

    def parts(self) -> Mapping[str, tuple[str, Locator]]:
        """Return the tabs, by their labels."""
        css = self.selectors["tab"]
        return {
            f"tab {tab.label}": (f"{css} with {tab.label}", self.at("tab").filter(has_text=tab.label)) for tab in Tab
        }

    async def open_tab(self, tab: Tab) -> dict[str, Any]:
        """Open the page at a tab, and return the data of its first page."""
        data = await self.answer(self.call, lambda: self.open(tab=tab.slug), tab=tab.slug)
        with told():
            try:
                shown = await self.at("active_tab").first.text_content()
            except Late:
                raise PageChanged(f"{self.name} marks no tab as the open one") from None
        if (shown or "").strip().lower() != tab.label.lower():
            raise PageChanged(f"{self.name} shows the tab {shown} where {tab.label} was asked for")
        return data

    async def search_campaign(self, campaign_id: str) -> dict[str, Any]:
        """Show one campaign's requests alone, and return the data of their first page."""
        with told():
            try:
                await self.at("search_type").first.select_option(label="Campaign ID")
                await self.at("search").first.fill(campaign_id)
            except Late as error:
                await self.raise_for_wall()
                raise PageChanged(f"{self.name} has no search by campaign") from error
        return await self.answer(self.call, lambda: self.click("search_icon"), campaign_id=campaign_id, page=1)

    async def contents(
        self, product_id: str, username: str, tried: list[float]
    ) -> tuple[str, list[dict[str, Any]]] | None:
        """Open what was published for a row, and return whose it is, by the site's own id, and the contents.

        Each content says its `type`, "video" or "live", and how many of that type there are. Several rows may show
        the same product and creator: those in `tried` are passed over, and the one that is opened is added to it.
        None where no other such row can be opened.
        """
        first = await self._opened(product_id, username, "content", _CONTENT_CALL, tried)
        if first is None:
            return None
        drawer, whose = self.at("drawer").last, _whose(first)
        read = await self._listed(first, drawer, "1", whose)
        with told():
            live = drawer.locator(self.selectors["tab"], has_text=_LIVE_TAB)
            has_live = await live.count() > 0
        if has_live:
            data = await self.answer(_CONTENT_CALL, lambda: self.press(live.first), type="2", page=1, apply_id=whose)
            read += await self._listed(data, drawer, "2", whose)
        await self._close(drawer)
        return whose, read

    async def logistics(self, product_id: str, username: str, tried: list[float]) -> tuple[str, dict[str, Any]] | None:
        """Open how a row's sample was shipped, as `contents` does; return whose it is, and what is told of it."""
        data = await self._opened(product_id, username, "logistics", _LOGISTICS_CALL, tried)
        if data is None:
            return None
        drawer = self.at("drawer").last
        with told():
            text = await drawer.inner_text()
        await self._close(drawer)
        return _whose(data), {**data, "raw_text": text}

    async def _listed(self, data: dict[str, Any], drawer: Locator, kind: str, whose: str) -> list[dict[str, Any]]:
        """Return all contents of one type, page after page; raises PageChanged for another request's."""
        read: list[dict[str, Any]] = []
        page, total = 1, data.get("total")
        while True:
            if _whose(data) != whose:
                raise PageChanged(f"{self.name} answered with the contents of {_whose(data)} in the drawer of {whose}")
            found = [item for item in data.get("list") or [] if isinstance(item, dict)]
            about = {"type": _WORDS[kind], "of_type": total if isinstance(total, int) else len(found)}
            read += [{**item, **about} for item in found]
            is_all = len(read) >= total if isinstance(total, int) else not await self.can_turn(drawer)
            if is_all or not found or page >= _CONTENT_PAGES:
                return read
            page += 1
            data = await self.turn_within(drawer, page, _CONTENT_CALL, apply_id=whose)

    async def _opened(
        self, product_id: str, username: str, button: str, call: str, tried: list[float]
    ) -> dict[str, Any] | None:
        """Open a row's drawer, and return what its call was answered."""
        looking = [self.selectors["rows"], self.selectors["body"], product_id, username, self.buttons[button], tried]
        with told():
            spot = await self.tab.evaluate(_FIND_ROW, looking)
        if spot is None:
            return None
        x, y, place = spot
        tried.append(place)
        return await self.answer(call, lambda: self.press_at(x, y))

    async def close_drawers(self) -> None:
        """Close whatever drawer is open, so that rows can be clicked."""
        with told():
            for drawer in await self.at("drawer").all():
                await self._close(drawer)

    async def _close(self, drawer: Locator) -> None:
        with told():
            try:
                await self.press(drawer.locator(self.selectors["drawer_close"]).first)
                await drawer.wait_for(state="detached")
            except Late as error:
                raise PageChanged(f"{self.name} has a drawer that does not close") from error


def _whose(data: Mapping[str, Any]) -> str:
    """Return whose drawer an answer is for; raises PageChanged where it does not say."""
    whose = str(data.get("apply_id") or "")
    if not whose:
        raise PageChanged("a drawer's call answers without apply_id, so what it tells can be credited to nobody")
    return whose
