"""What every page object has: an address, named selectors, and a way to open it that meets login, puzzles and bans."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from playwright.async_api import Error, Locator, Page, Response
from playwright.async_api import TimeoutError as Late

from crawlers.browser import told
from crawlers.errors import PageChanged, SiteFailed
from crawlers.pages.answers import judged
from crawlers.pages.walls import WALLS, raise_for_wall
from crawlers.site import Site

#: What Playwright says of a navigation that another one has overtaken.
_INTERRUPTED = ("interrupted by another navigation", "net::ERR_ABORTED")

#: Tells where to click, in the page's own language.
MIDDLE = """
(element) => {
  element.scrollIntoViewIfNeeded();
  const box = element.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
}
"""


class SitePage:
    """A page in a tab of a browser. Selectors are CSS as Playwright reads it, alternatives parted by commas.

    `ready` names the selector that shows that the page is there.
    """

    name: ClassVar[str]
    path: ClassVar[str]
    ready: ClassVar[str]
    selectors: ClassVar[Mapping[str, str]] = {}
    #: Names of selectors that find something only now and then, on a page that is well.
    occasional: ClassVar[frozenset[str]] = frozenset()
    #: Parts of the addresses of calls that are made only once something was clicked, by name.
    later_calls: ClassVar[Mapping[str, str]] = {}

    def __init__(self, tab: Page, site: Site, patience: timedelta = timedelta(seconds=20)) -> None:
        self.tab = tab
        self.site = site
        self.patience_ms = patience.total_seconds() * 1000
        self._mouse: tuple[float, float] | None = None

    def at(self, name: str) -> Locator:
        """Return what a named selector finds."""
        return self.tab.locator(self.selectors[name])

    def parts(self) -> Mapping[str, tuple[str, Locator]]:
        """Return what the page is made of besides its selectors: by name, what is looked for, and where."""
        return {}

    async def open(self, **query: object) -> None:
        """Go there and wait until it is ready; raises SessionLost, PuzzleShown, Banned, SiteFailed or PageChanged."""
        self._mouse = None
        with told():
            try:
                response = await self.tab.goto(self.site.url(self.path, **query), wait_until="commit")
            except Error as error:
                if not any(word in str(error) for word in _INTERRUPTED):
                    raise
                response = None  # The page before was on its way elsewhere; what came of it is seen below.
            if response is not None and response.status >= 500:  # noqa: PLR2004 -- RFC 9110, 15.6
                raise SiteFailed(f"{self.path} answered {response.status}")
        await self.wait_ready()

    async def wait_ready(self) -> None:
        """Wait until the page, or something in its way, is there."""
        anything = self.at(self.ready).first
        for selector in WALLS.values():
            anything = anything.or_(self.tab.locator(f"{selector} >> visible=true").first)
        with told():
            try:
                await anything.first.wait_for(timeout=self.patience_ms)
            except Late:
                await self.raise_for_wall()
                raise PageChanged(f"{self.path} does not show {self.ready} ({self.selectors[self.ready]})") from None
        await self.raise_for_wall()

    async def raise_for_wall(self) -> None:
        """Raise what stands in the way, if something does."""
        await raise_for_wall(self.tab)

    async def answer(
        self, call: str, act: Callable[[], Awaitable[Any]], *, may_be_gone: bool = False, **sent: Any
    ) -> dict[str, Any]:
        """Do something that makes the page call the site, and return the `data` of the answer.

        `call` is a part of the call's address, `sent` what its request must say: another answer is not waited for.
        `may_be_gone` is for a call after which the page goes elsewhere.
        """
        with told():
            try:
                async with self.tab.expect_response(_is(call, sent), timeout=self.patience_ms) as coming:
                    await act()
                return await judged(await coming.value, may_be_gone=may_be_gone)
            except Late as error:
                await self.raise_for_wall()
                if "expect_response" in str(error) or "waiting for event" in str(error):
                    raise SiteFailed(f"no answer to …{call} within {self.patience_ms / 1000:.0f} s") from error
                raise PageChanged(f"{self.name}: {str(error).partition('Call log')[0].strip()[:200]}") from error

    async def click(self, name: str) -> None:
        """Click what a named selector finds first; raises PageChanged where it is not there."""
        self._mouse = None
        with told():
            try:
                await self.at(name).first.click(timeout=self.patience_ms)
            except Late as error:
                await self.raise_for_wall()
                raise PageChanged(f"{self.name} does not show {name} ({self.selectors[name]})") from error

    async def press(self, what: Locator) -> None:
        """Click the middle of something with the mouse, as soon as it is there; what it does is the caller's to see."""
        await self.press_at(*await what.evaluate(MIDDLE, timeout=self.patience_ms))

    async def press_at(self, x: float, y: float) -> None:
        """Click a place of the window, said in one go: a move is answered with the next frame only."""
        mouse = self.tab.mouse
        move = [] if self._mouse == (x, y) else [mouse.move(x, y)]
        self._mouse = (x, y)
        await asyncio.gather(*move, mouse.down(), mouse.up())

    async def shows(self, name: str) -> bool:
        """Tell whether a named selector finds anything now."""
        with told():
            return await self.at(name).count() > 0


def _is(call: str, sent: Mapping[str, Any]) -> Callable[[Response], bool]:
    def fits(response: Response) -> bool:
        if call not in response.url or response.request.method == "OPTIONS":
            return False
        return not sent or _says(response, sent)

    return fits


def _says(response: Response, sent: Mapping[str, Any]) -> bool:
    try:
        said = response.request.post_data_json or {}
    except (Error, ValueError):
        return True  # not JSON: there is nothing to compare
    return all(name not in said or str(said[name]) == str(value) for name, value in sent.items())
