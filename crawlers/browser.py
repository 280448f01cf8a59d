"""One Chromium for one account: launched, watched, traced, replaced before it grows old."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import structlog
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, Error, Page, Playwright, StorageState, async_playwright

from crawlers.errors import BrowserLost, SiteFailed
from crawlers.site import Site
from schemas.zones import zone_of

log = structlog.get_logger()

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = ("--disable-dev-shm-usage", "--disable-gpu", "--mute-audio", "--no-first-run", "--disable-extensions")
#: What Playwright's errors say when it is the browser that has gone.
_GONE = ("has been closed", "Target closed", "crashed", "Connection closed", "browser has disconnected")


@dataclass(frozen=True, slots=True)
class BrowserWishes:
    """How browsers are run; `program` None looks for the system's Chromium, then takes Playwright's own."""

    program: Path | None = None
    is_headless: bool = True
    has_sandbox: bool = True
    #: How long any one thing on a page may take.
    patience: timedelta = timedelta(seconds=20)
    #: A browser is replaced after so many pages of a crawl, or when it and its driver have grown beyond so many bytes.
    pages: int = 150
    max_bytes: int = 1_500_000_000
    #: What Playwright's viewer shows of a failure, besides screenshot and HTML; costs about a tenth of the speed.
    is_traced: bool = True


class Browser:
    """A browser with one context and its pages; every failure of its own is BrowserLost."""

    def __init__(self, wishes: BrowserWishes, site: Site, region: str) -> None:
        self._wishes = wishes
        self._site = site
        self._region = region
        self._playwright: Playwright | None = None
        self._chromium: Chromium | None = None
        self._context: BrowserContext | None = None

    @property
    def context(self) -> BrowserContext:
        """The context; raises BrowserLost before `open` and after `close`."""
        if self._context is None or not self.is_running:
            raise BrowserLost("the browser is not running")
        return self._context

    @property
    def is_running(self) -> bool:
        """Whether its process is alive, as far as anyone has heard."""
        return self._chromium is not None and self._chromium.is_connected()

    async def open(self, state: StorageState | None = None) -> Page:
        """Launch, and return the first page; `state` is what `saved_state` returned earlier."""
        with told():
            self._playwright = await async_playwright().start()
            self._chromium = await self._playwright.chromium.launch(
                executable_path=chromium_program(self._wishes.program),
                headless=self._wishes.is_headless,
                args=[*_ARGUMENTS, *([] if self._is_sandboxed else ["--no-sandbox"])],
                handle_sigint=False,  # Ctrl-C is ours to act on: the crawl ends in order first
                handle_sigterm=False,
                handle_sighup=False,
            )
            self._context = await self._chromium.new_context(
                storage_state=state,
                viewport={"width": 1600, "height": 900},
                locale=self._site.language,
                timezone_id=str(zone_of(self._region)),
                service_workers="block",
                accept_downloads=False,
            )
            self._context.set_default_timeout(self._wishes.patience.total_seconds() * 1000)
            if self._wishes.is_traced:
                await self._context.tracing.start(screenshots=False, snapshots=False, sources=False)
                await self._context.tracing.start_chunk()
            return await self._context.new_page()

    @property
    def _is_sandboxed(self) -> bool:
        return self._wishes.has_sandbox and os.geteuid() != 0  # Chromium's own rule

    async def new_page(self) -> Page:
        """Return another page beside the first."""
        with told():
            return await self.context.new_page()

    async def strange_page(self) -> Page:
        """Return a page with cookies of its own; whoever asked for it closes its context."""
        with told():
            apart = await self.context.browser.new_context(locale=self._site.language, service_workers="block")  # type: ignore[union-attr]  # a launched one has it
            apart.set_default_timeout(self._wishes.patience.total_seconds() * 1000)
            return await apart.new_page()

    async def saved_state(self) -> StorageState:
        """Return cookies and storage, to be opened with later."""
        with told():
            return await self.context.storage_state()

    async def forget_trace(self) -> None:
        """Begin the trace anew, so that it holds the last page's work and no more."""
        if self._wishes.is_traced and self._context is not None:
            with told():
                await self._context.tracing.stop_chunk()
                await self._context.tracing.start_chunk()

    async def save_trace(self, path: Path) -> None:
        """Write what was done since the trace began."""
        if self._wishes.is_traced and self._context is not None:
            with told():
                await self._context.tracing.stop_chunk(path=path)
                await self._context.tracing.start_chunk()

    async def close(self) -> None:
        """End it, however far it came; what hangs is left to its driver's death."""
        for part, ending in ((self._context, "close"), (self._chromium, "close"), (self._playwright, "stop")):
            if part is not None:
                with contextlib.suppress(Exception):  # Whatever it says: it is gone, or its driver's death ends it.
                    async with asyncio.timeout(5):
                        await getattr(part, ending)()
        self._context = self._chromium = self._playwright = None

    def bytes_used(self) -> int:
        """Return the memory of this process and everything it has started, shared pages counted once a process."""
        return memory_of(psutil.Process())


def memory_of(process: psutil.Process) -> int:
    """Return the resident bytes of a process and its descendants."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += each.memory_info().rss
    return total


def chromium_program(wanted: Path | None) -> str | None:
    """Return the browser's program: the wanted one, the system's, or None for Playwright's own."""
    if wanted is not None:
        return str(wanted)
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


async def can_launch(wanted: Path | None) -> bool:
    """Tell whether there is a browser to launch."""
    if (program := chromium_program(wanted)) is not None:
        return Path(program).exists()  # noqa: ASYNC240 -- a look at one file
    async with async_playwright() as playwright:
        return Path(playwright.chromium.executable_path).exists()  # noqa: ASYNC240


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Say of Playwright's errors whether the browser or the site has failed."""
    try:
        yield
    except Error as error:
        raise verdict_on(error) from error


def verdict_on(error: Error) -> BrowserLost | SiteFailed:
    """Return what an error of Playwright's means."""
    first = str(error).partition("\n")[0][:300]
    return BrowserLost(first) if any(word in str(error) for word in _GONE) else SiteFailed(first)


def is_state(value: Any) -> bool:
    """Tell whether a value looks like a saved state."""
    return isinstance(value, dict) and isinstance(value.get("cookies"), list)
