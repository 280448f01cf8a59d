"""An account at work: its lease, its browser, its saved session, its login."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from playwright.async_api import Error, Page

from brokers import metrics
from crawlers.accounts import Account, Accounts
from crawlers.browser import Browser, BrowserWishes, told
from crawlers.codes import CodeSource, NoCodeCame
from crawlers.errors import (
    AccountBusy,
    AccountResting,
    AccountStopped,
    BrowserLost,
    LoginFailed,
    NotNow,
    PageChanged,
    Passing,
    SessionLost,
)
from crawlers.failures import Failures
from crawlers.leases import Lease, Leases
from crawlers.pace import Pace, Politeness
from crawlers.pages.login import HomePage, LoginPage
from crawlers.pauses import Pauses
from crawlers.saved import SavedSessions
from crawlers.site import Site
from crawlers.watching import watched
from schemas.clock import Clock, utc_now

log = structlog.get_logger()

_LOGINS = 3
_WEIGHED_EVERY = 10
#: A trace of so many pages still opens in an instant.
_TRACED_PAGES = 10

#: So long a page may take to say that it is there, and a browser to tell what is to be saved of it.
_ANSWERS_S = 10.0


@dataclass(kw_only=True)
class Session:
    """An account that is logged in; `tab` is its page. Everything it does it does under its lease, at its pace."""

    account: Account
    site: Site
    lease: Lease
    pace: Pace
    wishes: BrowserWishes
    saved: SavedSessions
    codes: CodeSource
    failures: Failures
    clock: Clock = utc_now
    logins: int = 0
    _browser: Browser = field(init=False)
    _tab: Page | None = field(default=None, init=False)
    _pages: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._browser = Browser(self.wishes, self.site, self.account.region)

    @property
    def tab(self) -> Page:
        """The page; raises BrowserLost where there is none, LeaseLost where it must not be touched any more."""
        self.lease.check()
        if self._tab is None or not self.is_well:
            raise BrowserLost("the page is gone")
        return self._tab

    @property
    def is_well(self) -> bool:
        """Whether its browser is there."""
        return self._tab is not None and not self._tab.is_closed() and self._browser.is_running

    async def turn(self) -> None:
        """Take a turn before a step on the site; raises OutOfHours or LeaseLost."""
        self.lease.check()
        await self.pace.turn()
        self.lease.check()

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[Page]:
        """Give another page of the same browser, and close it on the way out."""
        self.lease.check()
        page = await self._browser.new_page()
        try:
            yield page
        finally:
            with suppress(Error):  # It may have gone with its browser.
                await page.close()

    @asynccontextmanager
    async def as_stranger(self) -> AsyncIterator[Page]:
        """Give a page that knows nothing of the session, and close it on the way out."""
        self.lease.check()
        page = await self._browser.strange_page()
        try:
            yield page
        finally:
            with suppress(Error):
                await page.context.close()

    async def start(self) -> None:
        """Open the browser with what was saved, and be logged in."""
        self.lease.check()
        self._tab = await self._browser.open(await self.saved.load(self.account))
        await self.ensure_logged_in()

    async def renew(self) -> None:
        """Replace the browser by a fresh one in the same session."""
        await self._keep_state()
        self._tab = None
        await self._browser.close()
        self._browser = Browser(self.wishes, self.site, self.account.region)
        await self.start()

    async def ensure_logged_in(self) -> None:
        """Look whether the site knows us, and log in if it does not; raises LoginFailed, PuzzleShown or Banned."""
        try:
            await HomePage(self.tab, self.site, self.wishes.patience).open()
        except SessionLost:
            await self.log_in()

    async def log_in(self) -> None:
        """Log in with a mailed code, and save the session; no trace is kept of it."""
        async with self._browser.untraced():
            reason, tried = "", set[str]()
            for attempt in range(1, _LOGINS + 1):
                await self.turn()
                reason = await self._refusal(tried)
                if not reason:
                    self.logins += 1
                    metrics.crawl_logins.inc()
                    log.info("crawl_logged_in", account=self.account.name, attempt=attempt)
                    await self._keep_state()
                    return
        raise LoginFailed(f"account {self.account.name} was not let in: {reason}")

    async def _refusal(self, tried: set[str]) -> str:
        """Try to log in, with another code than those that were tried; return why it did not work, "" if it did."""
        page = LoginPage(self.tab, self.site, self.wishes.patience)
        await page.open()
        asked_at = self.clock()
        is_in = await page.ask_for_code(self.account.email)
        if is_in:
            try:
                code = await self.codes.code(self.account, asked_at, tried)
            except NoCodeCame as error:
                return str(error)
            tried.add(code)
            is_in = await page.enter(code)
        return "" if is_in else await page.message() or "no reason given"

    def is_old(self, pages: int) -> bool:
        """Tell whether the browser should be replaced, having read so many pages."""
        if pages >= self.wishes.pages:
            return True
        # To ask every process for its memory takes milliseconds.
        return pages > 0 and pages % _WEIGHED_EVERY == 0 and self._browser.bytes_used() > self.wishes.max_bytes

    async def page_done(self) -> None:
        """Say that a page's work is done: every so often a failure's trace begins anew."""
        self._pages += 1
        if self._pages % _TRACED_PAGES == 0:
            await self._browser.forget_trace()

    async def keep_failure(self, what: str, error: BaseException, tab: Page | None = None) -> Path:
        """Leave screenshot, HTML and trace behind, and return where."""
        return await self.failures.keep(f"{self.account.name}-{what}", error, tab or self._tab, self._browser)

    async def fetch_json(self, url: str) -> Any:
        """Return the JSON at an address outside the site, by way of the browser's own client."""
        with told():
            return await (await self._browser.context.request.get(url)).json()

    async def close(self) -> None:
        """End the browser, the session saved if that is still ours to do."""
        await self._keep_state()
        await self._browser.close()
        self._tab = None

    async def stop_at_once(self) -> None:
        """End the browser without a further word to the site: it hangs, or somebody else may drive the account."""
        await self._browser.kill()

    async def answers(self) -> bool:
        """Tell whether the page answers; one that has gone says so, which is an answer."""
        if self._tab is None:
            return True
        try:
            async with asyncio.timeout(_ANSWERS_S):
                await self._tab.evaluate("1")
        except Error:
            return True
        except TimeoutError:
            return False
        return True

    async def _keep_state(self) -> None:
        try:
            self.lease.check()
            async with asyncio.timeout(_ANSWERS_S):
                state = await self._browser.saved_state()
            await self.saved.save(self.account, state, self.lease.token)
        except Exception as error:  # noqa: BLE001 -- it costs a login next time, and nothing else
            log.debug("session_not_saved", account=self.account.name, error=str(error)[:200])


@dataclass(kw_only=True)
class Sessions:
    """Opens sessions of whichever account fits, rests not and is free."""

    accounts: Accounts
    leases: Leases
    pauses: Pauses
    saved: SavedSessions
    failures: Failures
    wishes: BrowserWishes = field(default_factory=BrowserWishes)
    politeness: Politeness = field(default_factory=Politeness)
    #: Gives the source of an account's codes; the session is for sources that look by way of its browser.
    codes: Callable[[Account, "Session"], CodeSource]
    base: str | None = None
    clock: Clock = utc_now

    @asynccontextmanager
    async def open(self, region: str, account: str | None = None) -> AsyncIterator[Session]:
        """Open a session of the named account, or of any that fits; closed, and the lease given back, on the way out.

        Raises NoAccount, AccountBusy, AccountResting or OutOfHours; what stops the account inside lets it rest.
        """
        async with AsyncExitStack() as stack:
            candidate, lease = await self._free(stack, region, account)
            yield await stack.enter_async_context(self._working(self._session(candidate, lease)))

    async def _free(self, stack: AsyncExitStack, region: str, name: str | None) -> tuple[Account, Lease]:
        """Return the first fitting account that is to be had, its lease held by `stack`; else raise why not."""
        refused: list[NotNow] = []
        for candidate in self.accounts.fitting(region, name):
            pause = await self.pauses.of(candidate.name)
            if pause is not None:
                reason = f"account {candidate.name} rests: {pause.kind}, {pause.reason}"
                refused.append(AccountResting(reason, pause.until))
                continue
            try:
                return candidate, await stack.enter_async_context(self.leases.hold(candidate.name))
            except AccountBusy as busy:
                refused.append(busy)
        raise min(refused, key=lambda refusal: refusal.until)

    def _session(self, account: Account, lease: Lease) -> Session:
        session = Session(
            account=account,
            site=Site.of(account.region, self.base),
            lease=lease,
            pace=Pace(self.politeness, account.region, clock=self.clock),
            wishes=self.wishes,
            saved=self.saved,
            codes=_NoCodes(),
            failures=self.failures,
            clock=self.clock,
        )
        session.codes = self.codes(account, session)
        return session

    @asynccontextmanager
    async def _working(self, session: Session) -> AsyncIterator[Session]:
        try:
            async with watched(session):
                await self._started(session)
                yield session
        except AccountStopped as stopped:
            await session.keep_failure(stopped.kind, stopped)
            await self.pauses.begin(session.account.name, stopped)
            raise
        finally:
            await session.close()

    async def _started(self, session: Session) -> None:
        await session.turn()
        try:
            await session.start()
        except (Passing, PageChanged) as error:
            await session.keep_failure("start", error)
            raise


class _NoCodes:
    async def code(self, account: Account, asked_at: datetime, but_not: Collection[str] = ()) -> str:  # noqa: ARG002
        raise NoCodeCame(f"account {account.name} has no source of codes")
