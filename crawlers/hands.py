"""An account at hand: its session stays open between tasks, and is given back when nobody needs it."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import structlog
from playwright.async_api import Error

from crawlers.accounts import Account
from crawlers.browser import verdict_on
from crawlers.errors import AccountResting, AccountStopped, CrawlError, LeaseLost
from crawlers.session import Session, Sessions

log = structlog.get_logger()

#: So long an account is kept without a break; then whoever else waits for it, in another process, has its turn.
TURN = timedelta(minutes=5)
_BREAK_S = 2.0
#: How long an account rests when it is told that it is too fast; twice as long each further time.
PATIENCE_S, _LONGEST_PATIENCE_S = 15.0, 600.0
#: Longer than this nobody waits with the account in hand: it is given back, and whoever wants it comes again.
HELD_S = 120.0


class Hand:
    """One account's session, opened when it is first taken. Whoever takes it has it alone until it is let go."""

    def __init__(self, account: Account, sessions: Sessions, idle: timedelta) -> None:
        self.account = account
        #: How many have it or stand in line for it.
        self.wanted = 0
        self._sessions = sessions
        self._idle = idle.total_seconds()
        self._turn = asyncio.Lock()
        self._stack: AsyncExitStack | None = None
        self._session: Session | None = None
        self._opened_at = 0.0
        self._used = 0
        self._is_suspect = False
        self._not_before = 0.0
        self._throttles = 0
        self._leaving: asyncio.Task[None] | None = None

    @property
    def session(self) -> Session:
        """The session; raises LeaseLost where there is none any more."""
        if self._session is None:
            raise LeaseLost(f"the session of account {self.account.name} has ended")
        return self._session

    async def take(self) -> None:
        """Have the session alone, open, logged in, and with a step to make; raises what keeps it from that."""
        self.wanted += 1
        try:
            await self._turn.acquire()
        except BaseException:
            self.wanted -= 1
            raise
        try:
            self._stay()
            await self._have_rested()
            await self._be_open()
            await self.session.turn()
        except BaseException as error:
            try:
                await self.drop(error)
            finally:
                await self.let_go()
            raise

    async def let_go(self) -> None:
        """Let the next one have it; an account that nobody wants, or that was kept for long, is given back."""
        self.wanted -= 1
        try:
            if self._session is not None and time.monotonic() - self._opened_at > TURN.total_seconds():
                await self.drop()
                self._rest(_BREAK_S)
        finally:
            if self._session is not None and not self.wanted:
                self._leaving = asyncio.create_task(self._leave_when_idle())
            self._turn.release()

    def throttled(self, after: timedelta | None) -> float:
        """Note that the site asks for patience, for so long if it says so; return how many seconds that is."""
        wait = min(PATIENCE_S * 2**self._throttles, _LONGEST_PATIENCE_S) if after is None else after.total_seconds()
        self._throttles += 1
        self._rest(wait)
        return wait

    def rests(self) -> timedelta | None:
        """Return how much longer it is to rest; None where that is soon over."""
        left = self._not_before - time.monotonic()
        return timedelta(seconds=left) if left > HELD_S else None

    def accepted(self) -> None:
        """Note that the site takes messages."""
        self._throttles = 0

    async def _have_rested(self) -> None:
        if rest := self.rests():
            raise AccountResting(f"account {self.account.name} was asked for patience", datetime.now(UTC) + rest)
        await asyncio.sleep(max(self._not_before - time.monotonic(), 0))

    def _rest(self, seconds: float) -> None:
        self._not_before = time.monotonic() + seconds

    def suspect(self) -> None:
        """See whether the site is there, and we are logged in, before the session is used again."""
        self._is_suspect = True

    async def drop(self, error: BaseException | None = None) -> None:
        """End the session; what stopped the account lets it rest."""
        stack, self._stack, self._session, self._used = self._stack, None, None, 0
        if stack is None:
            return
        try:
            await stack.__aexit__(type(error) if error else None, error, error.__traceback__ if error else None)
        except Exception as failure:  # noqa: BLE001 -- whatever a dying browser says
            if failure is not error:
                log.warning("hand_not_closed", account=self.account.name, error=str(failure)[:200])

    async def close(self) -> None:
        """End the session once whoever has it is done."""
        async with self._turn:
            self._stay()
            await self.drop()

    def _stay(self) -> None:
        if self._leaving is not None and self._leaving is not asyncio.current_task():
            self._leaving.cancel()
        self._leaving = None

    async def _be_open(self) -> None:
        if self._session is not None:
            try:
                await self._be_fresh(self._session)
            except LeaseLost:
                await self.drop()
        if self._session is None:
            stack = AsyncExitStack()
            opening = self._sessions.open(self.account.region, self.account.name)
            self._session = await stack.enter_async_context(opening)
            self._stack, self._opened_at, self._is_suspect = stack, time.monotonic(), False
            log.info("hand_opened", account=self.account.name, token=self._session.lease.token)

    async def _be_fresh(self, session: Session) -> None:
        """Replace a browser that has grown old, or died while nobody looked."""
        session.lease.check()
        self._used += 1
        if session.is_old(self._used) or not session.is_well:
            self._used = 0
            await session.renew()
        elif self._is_suspect:
            await session.ensure_logged_in()
        else:
            await session.page_done()
        self._is_suspect = False

    async def _leave_when_idle(self) -> None:
        await asyncio.sleep(self._idle)
        if not self.wanted:
            self._leaving = None
            await self.close()
            log.info("hand_given_back", account=self.account.name)


def meant(error: Exception) -> Exception:
    """Return what an error of the driver's means; any other as it is."""
    return verdict_on(error) if isinstance(error, Error) else error


def stops(error: BaseException) -> bool:
    """Tell whether a session has to end after such an error."""
    return isinstance(error, AccountStopped | LeaseLost) or not isinstance(error, CrawlError)
