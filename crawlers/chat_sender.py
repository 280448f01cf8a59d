"""The sender that types: chat tasks through the sellers' own chat page, one conversation at a time for each account."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path, PurePath

import structlog
from playwright.async_api import Error

from brokers.verdict import Reject, Retryable, Unavailable
from crawlers.conversation import Conversation
from crawlers.errors import (
    AccountBusy,
    AccountStopped,
    CannotSend,
    ChatClosed,
    CrawlError,
    CreatorReplied,
    LeaseLost,
    NoAccount,
    NotNow,
    Passing,
    Throttled,
)
from crawlers.hands import Hand, meant, stops
from crawlers.pages.bubbles import Draft
from crawlers.session import Sessions
from schemas.chatbot.messages import ChatMessage, ChatTask
from schemas.chatbot.sending import InDoubt, Receipt, Send
from schemas.clock import Clock, utc_now

log = structlog.get_logger()

#: How long a task waits in line for an account that another browser drives; a crawl gives its turn back within that.
_BUSY = timedelta(minutes=12)
_BUSY_LOOK_S = 0.5
#: How soon a message is tried again whose account may not write now; the next try comes when it may, as far as known.
_SOONEST = timedelta(minutes=1)
#: The same where another browser drives the account, which was waited for already. Few tries have to last for hours.
_BUSY_AGAIN = timedelta(minutes=15)
#: How long such an account counts as one that may not write, before somebody stands in line for it again.
_BUSY_REST_S = 30.0
#: What the site asks for at most: a message that is put off for longer had better be looked at.
_LONGEST_REST = timedelta(days=1)
#: How long a site that cannot be opened is left alone; twice as long each further time.
_SITE_REST_S, _LONGEST_SITE_REST_S = 5.0, 120.0
#: An account that writes to nobody for so long is given back: a crawl may wait for it.
_IDLE = timedelta(seconds=20)
_CLOSING_S = 15.0

_TEXTS = frozenset({"text", "link"})
_PRODUCTS = frozenset({"product", "product_card", "productcard"})
_IMAGES = frozenset({"image", "picture"})


class BrowserSender:
    """Types in real browsers. Accounts are chosen by the task's name or region, and kept open between tasks."""

    name = "browser"

    def __init__(
        self,
        sessions: Sessions,
        images: Path,
        *,
        default_region: str = "MX",
        regions: Collection[str] = (),
        idle: timedelta = _IDLE,
        busy: timedelta = _BUSY,
        clock: Clock = utc_now,
    ) -> None:
        """`images` is the folder of the pictures that messages name; nothing outside it is ever sent.

        While no account of `regions` may write, messages wait in their queue; of others, they are tried again.
        """
        self._sessions = sessions
        self._images = images
        self._default_region = default_region
        self._regions = frozenset(regions) or frozenset({default_region})
        self._idle = idle
        self._busy = busy.total_seconds()
        self._clock = clock
        self._hands: dict[str, Hand] = {}
        self._busy_until: dict[str, float] = {}
        self._site_away_until = 0.0
        self._site_rest = _SITE_REST_S
        self._site_reason = ""

    @asynccontextmanager
    async def ready(self, task: ChatTask) -> AsyncIterator[Send]:
        """Have an account for the task, logged in and at its turn, while inside."""
        hand = await self._found(task)
        try:
            yield partial(self._send, hand)
        finally:
            await hand.let_go()

    async def _send(self, hand: Hand, task: ChatTask) -> Receipt:
        """Write the messages of a task, each as one bubble, and return once all of them have arrived."""
        conversation = Conversation(
            hand,
            task.platform_creator_id,
            task.platform_creator_username,
            is_outreach=task.outreach_task_id is not None,
        )
        try:
            await conversation.say(self._drafts(task))
        except Exception as error:
            raise await self._verdict(hand, conversation, meant(error)) from error
        return Receipt(self.name, reference=hand.account.name)

    async def probe(self) -> None:
        """Raise Unavailable while no account may write, or the site cannot be opened."""
        self._raise_if_site_is_away()
        ours = [each for each in self._sessions.accounts.listed if each.enabled and each.region in self._regions]
        refusals = [await self._refusal(each.name, each.region) for each in ours]
        if refusals and all(refusals):
            raise Unavailable(f"no account may write now: {refusals[0]}")

    async def close(self) -> None:
        """End every session."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_S):
                await asyncio.gather(*(hand.close() for hand in self._hands.values()))

    async def _found(self, task: ChatTask) -> Hand:
        """Return a fitting account, taken; raises a verdict."""
        self._raise_if_site_is_away()
        try:
            self._drafts(task)
            return await self._one_of(self._fitting(task))
        except (NoAccount, CannotSend) as error:
            raise Reject(str(error)) from error
        except LeaseLost as error:
            raise Retryable(str(error), _SOONEST) from error
        except (NotNow, AccountStopped) as error:
            raise await self._stopped(error) from error
        except (CrawlError, Error) as error:
            raise self._away(meant(error)) from error

    async def _one_of(self, hands: Sequence[Hand]) -> Hand:
        """Take the hand that fewest stand in line for; where all are driven by others, wait for one of them."""
        ends_at = time.monotonic() + self._busy
        while True:
            refusal: NotNow | AccountStopped | None = None
            for hand in sorted(hands, key=lambda each: each.wanted):
                try:
                    await hand.take()
                except (NotNow, AccountStopped) as error:
                    refusal = error if refusal is None or isinstance(error, AccountBusy) else refusal
                else:
                    self._site_rest = _SITE_REST_S
                    return hand
            assert refusal is not None
            if not isinstance(refusal, AccountBusy):
                raise refusal
            if time.monotonic() >= ends_at:
                self._busy_until |= {hand.account.name: time.monotonic() + _BUSY_REST_S for hand in hands}
                raise refusal
            await asyncio.sleep(_BUSY_LOOK_S)

    def _fitting(self, task: ChatTask) -> list[Hand]:
        region = task.region or self._default_region
        return [
            self._hands.setdefault(account.name, Hand(account, self._sessions, self._idle))
            for account in self._sessions.accounts.fitting(region, task.account_name)
        ]

    async def _verdict(self, hand: Hand, conversation: Conversation, error: Exception) -> Exception:
        """Return what the handler is to be told of a conversation that did not come to its end."""
        if isinstance(error, InDoubt):
            if isinstance(error.__cause__, AccountStopped):
                await hand.drop(error.__cause__)
            hand.suspect()
            return error
        if stops(error):
            await hand.drop(error)
        elif isinstance(error, Passing):
            hand.suspect()
        if conversation.arrived:
            return InDoubt(f"{conversation.arrived} of its messages arrived, and then: {_told(error)}")
        return await self._nothing_sent(error)

    async def _nothing_sent(self, error: Exception) -> Exception:
        if isinstance(error, ChatClosed | CannotSend | CreatorReplied):
            return Reject(str(error))
        if isinstance(error, NotNow | AccountStopped):
            return await self._stopped(error)
        if isinstance(error, CrawlError):
            after = error.after if isinstance(error, Throttled) else None
            return Retryable(_told(error), after and min(after, _LONGEST_REST))
        return error

    async def _stopped(self, error: NotNow | AccountStopped) -> Exception:
        """Return Unavailable where no account may write at all, and messages had better wait in their queue."""
        try:
            await self.probe()
        except Unavailable as unavailable:
            return unavailable
        if isinstance(error, AccountBusy):
            return Retryable(str(error), _BUSY_AGAIN)
        now = self._clock()
        until = error.until if isinstance(error, NotNow) else now + error.rest
        return Retryable(_told(error), max(until - now, _SOONEST))

    def _away(self, error: Exception) -> Unavailable:
        """Note that the site cannot be opened."""
        self._site_away_until = time.monotonic() + self._site_rest
        self._site_rest = min(self._site_rest * 2, _LONGEST_SITE_REST_S)
        self._site_reason = _told(error)
        return Unavailable(f"the seller's chat cannot be opened: {self._site_reason}")

    def _raise_if_site_is_away(self) -> None:
        if time.monotonic() < self._site_away_until:
            raise Unavailable(f"the seller's chat could not be opened a moment ago: {self._site_reason}")

    async def _refusal(self, account: str, region: str) -> str | None:
        if pause := await self._sessions.pauses.of(account):
            return f"{account} rests until {_short(pause.until)}: {pause.kind}, {pause.reason}"
        if opens_at := self._sessions.politeness.opens_at(region, self._clock()):
            return f"accounts of {region} work from {_short(opens_at)}"
        if self._busy_until.get(account, 0.0) > time.monotonic():
            return f"{account} is driven by another browser"
        if (hand := self._hands.get(account)) and (rest := hand.rests()):
            return f"{account} was asked for patience, for another {rest.total_seconds():.0f} s"
        return None

    def _drafts(self, task: ChatTask) -> list[Draft]:
        return [self._draft(message) for message in task.messages]

    def _draft(self, message: ChatMessage) -> Draft:
        """Return what a message is in the chat; raises CannotSend for a type that the chat does not have."""
        kind = message.type.strip().lower() or "text"
        if kind in _TEXTS:
            return Draft("text", message.content.strip())
        if kind in _PRODUCTS:
            return Draft("product", message.content.strip())
        if kind in _IMAGES:
            return Draft("image", str(self._picture(message.content.strip())))
        fallback = (message.meta or {}).get("fallbackText")
        if isinstance(fallback, str) and fallback.strip():
            return Draft("text", fallback.strip())
        raise CannotSend(f"the chat has no messages of type {message.type!r}, and it comes without a fallbackText")

    def _picture(self, name: str) -> Path:
        """Return a picture's path; raises CannotSend for a name that leads out of the folder."""
        path = (self._images / name).resolve()
        if PurePath(name).is_absolute() or not path.is_relative_to(self._images.resolve()):
            raise CannotSend(f"a picture is named by its path below {self._images}")
        return path


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _short(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
