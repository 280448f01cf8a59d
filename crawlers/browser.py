"""One Chromium for one account: launched, watched, traced, replaced before it grows old."""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

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
_STARTING: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
#: How long it may take until there is a browser, and each of the steps by which it is ended.
_OPENED_S, _CLOSED_S = 60.0, 5.0
#: How often, and how far apart, it is seen whether a driver has noticed that its browser was killed.
_NOTICES, _NOTICE_S = 20, 0.1
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
        #: The driver and the browser itself, to be killed where they do not end by themselves.
        self._processes: list[psutil.Process] = []
        #: Folders that Playwright leaves behind: always those of traces, and the profile of a browser that was killed.
        self._leavings: list[Path] = []
        self._is_killed = False
        self._is_tracing = False

    @property
    def context(self) -> BrowserContext:
        """The context; raises BrowserLost before `open` and after `close`."""
        if self._context is None or not self.is_running:
            raise BrowserLost("the browser is not running")
        return self._context

    @property
    def is_running(self) -> bool:
        """Whether its process is alive, as far as anyone has heard."""
        return self._chromium is not None and self._chromium.is_connected() and not self._is_killed

    async def open(self, state: StorageState | None = None) -> Page:
        """Launch, and return the first page; `state` is what `saved_state` returned earlier."""
        try:
            with told():
                async with asyncio.timeout(_OPENED_S):
                    return await self._launched(state)
        except TimeoutError as error:
            await self.kill()
            raise BrowserLost(f"the browser did not open within {_OPENED_S:.0f} s") from error

    async def _launched(self, state: StorageState | None) -> Page:
        async with _starting():
            ours = set(psutil.Process().children())
            try:
                self._playwright = await async_playwright().start()
            finally:
                children = psutil.Process().children()
                self._processes = [each for each in children if each not in ours and _is_driver(each)]
        traces = Path(tempfile.mkdtemp(prefix="mesh-browser-"))
        self._leavings.append(traces)
        self._chromium = await self._playwright.chromium.launch(
            traces_dir=traces,
            executable_path=chromium_program(self._wishes.program),
            headless=self._wishes.is_headless,
            args=[*_ARGUMENTS, *([] if self._is_sandboxed else ["--no-sandbox"])],
            handle_sigint=False,  # Ctrl-C is ours to act on: the crawl ends in order first
            handle_sigterm=False,
            handle_sighup=False,
        )
        self._processes += [child for each in self._processes for child in _descendants(each)]
        self._leavings += {profile for each in self._processes if (profile := _profile_of(each))}
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
            self._is_tracing = True
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
        async with self.untraced():
            pass

    async def save_trace(self, path: Path) -> None:
        """Write what was done since the trace began."""
        if self._is_tracing and self._context is not None:
            with told():
                await self._context.tracing.stop_chunk(path=path)
                await self._context.tracing.start_chunk()

    @contextlib.asynccontextmanager
    async def untraced(self) -> AsyncIterator[None]:
        """Forget the trace, and let nothing into it while inside: neither a typed code nor a cookie."""
        if not self._is_tracing or self._context is None:
            yield
            return
        context, self._is_tracing = self._context, False
        with told():
            await context.tracing.stop_chunk()
        try:
            yield
        finally:
            with contextlib.suppress(Error):  # It may have gone, and whoever uses it next is told so.
                await context.tracing.start_chunk()
                self._is_tracing = context is self._context

    async def close(self) -> None:
        """End it, however far it came, by force where it does not end in time."""
        for part, ending in ((self._context, "close"), (self._chromium, "close"), (self._playwright, "stop")):
            if part is not None:
                with contextlib.suppress(Exception):  # Whatever it says: it is gone, or is killed.
                    async with asyncio.timeout(_CLOSED_S):
                        await getattr(part, ending)()
        await self.kill()
        self._context = self._chromium = self._playwright = None

    async def kill(self) -> None:
        """End its processes at once: whatever is waited for fails, a page that hangs included.

        The driver goes last, and only if it has not noticed: it is what tells of the browser's end.
        """
        processes, self._processes = self._processes, []
        if processes:
            await self._end(processes)
        leavings, self._leavings = self._leavings, []
        for folder in leavings:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _end(self, processes: list[psutil.Process]) -> None:
        driver, *browsers = processes
        _kill(browsers)
        for _ in range(_NOTICES):
            if self._chromium is None or not (driver.is_running() and self._chromium.is_connected()):
                break
            await asyncio.sleep(_NOTICE_S)
        self._is_killed = True
        _kill([driver])

    def bytes_used(self) -> int:
        """Return the memory of it and its driver, shared pages counted once a process."""
        return sum(memory_of(driver) for driver in self._processes[:1])


def memory_of(process: psutil.Process) -> int:
    """Return the resident bytes of a process and its descendants."""
    total = 0
    for each in (process, *_descendants(process)):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += each.memory_info().rss
    return total


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _is_driver(process: psutil.Process) -> bool:
    try:
        return "run-driver" in process.cmdline()
    except psutil.Error:
        return False


def _profile_of(process: psutil.Process) -> Path | None:
    """Return the folder that a browser was told to keep its profile in."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return None
    return next((Path(word.partition("=")[2]) for word in words if word.startswith("--user-data-dir=")), None)


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        for each in (process, *_descendants(process)):
            with contextlib.suppress(psutil.Error):
                each.kill()


def _starting() -> asyncio.Lock:
    """Return this loop's lock for starting drivers: which one is whose can be told only one at a time."""
    return _STARTING.setdefault(asyncio.get_running_loop(), asyncio.Lock())


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
