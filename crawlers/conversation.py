"""One creator's conversation: messages in their order, each sent once and seen to arrive before the next."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog
from playwright.async_api import Error

from crawlers.errors import (
    AccountStopped,
    BrowserLost,
    CrawlError,
    CreatorReplied,
    LeaseLost,
    NotDelivered,
    OutOfHours,
    PageChanged,
    Passing,
    SessionLost,
    Throttled,
)
from crawlers.hands import HELD_S, Hand, meant
from crawlers.pages.bubbles import Bubble, Draft, said_since
from crawlers.pages.chat import Act, ChatPage
from crawlers.session import Session
from schemas.chatbot.sending import REPLIED, InDoubt

log = structlog.get_logger()

#: Fresh browsers and logins that one conversation may take before it is left for a later try.
_RECOVERIES = 2
#: Times that a conversation which has begun waits where the site is asked too much.
_PATIENCES = 3
#: How long before each look whether a message arrived after all. A refusal is followed by a look only after a while:
#: what a server took and then failed to answer may not be in the conversation at once.
_LOOKS_S = (0.0, 1.5, 3.0)
_LOOKS_AFTER_REFUSAL_S = (1.5, 1.5, 3.0)


class Conversation:
    """What is said to one creator under one account; `arrived` counts the messages that certainly did.

    With `is_outreach` nothing is said to a creator who has written in the chat.
    """

    def __init__(self, hand: Hand, creator_id: str, username: str | None = None, *, is_outreach: bool = False) -> None:
        self._hand = hand
        self._creator_id = creator_id
        self._username = username
        self._is_outreach = is_outreach
        self._recoveries = 0
        self._throttled = 0
        self._total = 0
        self.arrived = 0

    async def say(self, drafts: Sequence[Draft]) -> None:
        """Say all of it.

        Raises InDoubt where a message may have arrived or not. What else it raises, it raises with nothing said that
        `arrived` does not count.
        """
        page: ChatPage | None = None
        self._total = len(drafts)
        while self.arrived < len(drafts):
            try:
                if page is None or page.tab is not self._session.tab:
                    page = await self._opened(drafts)
                await self._say_next(page, drafts[self.arrived])
            except (CrawlError, Error) as error:
                page = None
                await self._recover(meant(error))

    async def _opened(self, drafts: Sequence[Draft]) -> ChatPage:
        """Open the chat, and make sure that it takes all that is still to be said before anything of it is."""
        page = self._page()
        await page.open_with(self._creator_id, self._username)
        if self._is_outreach and not self.arrived and await page.has_reply():
            raise CreatorReplied(REPLIED)
        for draft in drafts[self.arrived :]:
            await page.check(draft)
        return page

    def _page(self) -> ChatPage:
        session = self._session
        return ChatPage(session.tab, session.site, session.wishes.patience)

    @property
    def _session(self) -> Session:
        return self._hand.session

    async def _say_next(self, page: ChatPage, draft: Draft) -> None:
        if self.arrived:
            with suppress(OutOfHours):  # What was begun is ended.
                await self._session.turn()
        before = await page.bubbles()
        act = await page.prepared(draft)
        self._session.lease.check()
        try:
            await self._deliver(page, act, draft, before)
        except NotDelivered as refused:
            log.info("chat_message_refused", creator=self._creator_id, reason=str(refused)[:200])
            if isinstance(refused.cause, Throttled):
                await self._wait_out(refused.cause)
            raise refused.cause or refused from refused
        self.arrived += 1
        self._hand.accepted()

    async def _deliver(self, page: ChatPage, act: Act, draft: Draft, before: Sequence[Bubble]) -> None:
        """Send a message; one whose bubble does not come is looked for in the chat as the site shows it by then."""
        try:
            await page.deliver(act, draft, before)
        except NotDelivered as refused:
            if refused.cause is not None:
                raise
            # A refusal without a meaning may be a failure behind a server that had taken it.
            arrived = await self._looked(draft, before, refused)
            if arrived is None:
                raise self._doubt(f"{refused}{await self._session_kept(refused)}") from refused
            if not arrived:
                raise
        except (CrawlError, Error) as error:
            kept = await self._session_kept(error)
            if not await self._looked(draft, before, meant(error)):
                raise self._doubt(f"{meant(error)}{kept}") from error
            log.info("chat_message_found_arrived", creator=self._creator_id, after=str(error)[:200])

    async def _looked(self, draft: Draft, before: Sequence[Bubble], error: Exception) -> bool | None:
        """Open the chat anew and look whether it shows the message; None where that was not to be seen.

        Where the site has refused it, it is certainly not there once the chat is seen without it.
        """
        is_refused = isinstance(error, NotDelivered)
        arrived: bool | None = None
        for pause in _LOOKS_AFTER_REFUSAL_S if is_refused else _LOOKS_S:
            if isinstance(error, AccountStopped | LeaseLost) or (is_refused and arrived is False):
                break
            await asyncio.sleep(pause)
            try:
                await self._mend(error)
                page = self._page()
                await page.open_with(self._creator_id, self._username)
                if arrived := said_since(before, await page.bubbles(), draft):
                    return True
                error = CrawlError("it is not shown")
            except (CrawlError, Error) as again:
                arrived, error = None, meant(again)
        if isinstance(error, AccountStopped):
            raise self._doubt(str(error)) from error
        return arrived

    def _doubt(self, reason: str) -> InDoubt:
        return InDoubt(f"message {self.arrived + 1} of {self._total} was sent, and not seen to arrive: {reason}")

    async def _recover(self, error: Exception) -> None:
        """Make ready to go on after a failure, or raise it: nothing of the message in hand was said."""
        if isinstance(error, Throttled) and 0 < self._throttled < _PATIENCES:
            return
        is_ours = isinstance(error, SessionLost | BrowserLost)
        goes_on = isinstance(error, Passing) and (is_ours or self.arrived > 0)
        if not goes_on or self._recoveries >= _RECOVERIES:
            if isinstance(error, PageChanged | Passing | NotDelivered):  # of others there is nothing to be seen
                await self._session_kept(error)
            raise error
        self._recoveries += 1
        log.info("chat_recovers", creator=self._creator_id, error=str(error)[:200])
        await self._mend(error)

    async def _mend(self, error: Exception) -> None:
        if isinstance(error, SessionLost):
            await self._session.log_in()
        elif isinstance(error, BrowserLost) or not self._session.is_well:
            await self._session.renew()

    async def _wait_out(self, throttled: Throttled) -> None:
        """Wait where something was said already; else let the whole account wait, and this message come again."""
        wait = self._hand.throttled(throttled.after)
        self._throttled = self._throttled + 1 if self.arrived and wait <= HELD_S else _PATIENCES
        if self._throttled < _PATIENCES:
            await asyncio.sleep(wait)

    async def _session_kept(self, error: BaseException) -> str:
        """Leave behind what is seen of a failure, and say where."""
        with suppress(LeaseLost):
            return f" (see {await self._session.keep_failure(f'chat {self._creator_id}', error)})"
        return ""
