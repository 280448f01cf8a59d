"""The chat with one creator: what was said, where to write, and how one sees that it arrived."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from playwright.async_api import Locator
from playwright.async_api import TimeoutError as Late

from crawlers.browser import told
from crawlers.errors import (
    Banned,
    CannotSend,
    ChatClosed,
    CrawlError,
    NotDelivered,
    PageChanged,
    PuzzleShown,
    SessionLost,
    SiteFailed,
    Throttled,
)
from crawlers.pages.arrivals import Arrivals, arriving
from crawlers.pages.page import SitePage
from crawlers.site import Site

#: UTF-16 code units that the box takes, where it does not say so itself.
LONGEST = 2000
_LOOK_S = 0.05
#: After a message was sent the page is looked through for walls this often.
_WALLS_EVERY_S = 1.0

#: What the page says when it will not send, and what that means.
_WORDS: tuple[tuple[str, type[CrawlError]], ...] = (
    ("too fast", Throttled),
    ("too many", Throttled),
    ("too frequent", Throttled),
    ("not accepting", ChatClosed),
    ("cannot receive", ChatClosed),
    ("longer than", CannotSend),
    ("not an image", CannotSend),
)
#: What an answer of the chat's own call says for certain; any other failure may have come after the message was taken.
_CERTAIN = (SessionLost, PuzzleShown, Banned, Throttled)

_BUBBLES = """
(bubbles, [failed, pending, image, product]) => bubbles.map((bubble) => ({
  kind: bubble.querySelector(product) ? "product" : bubble.querySelector(image) ? "image" : "text",
  text: bubble.innerText,
  state: bubble.matches(failed) ? "failed" : bubble.matches(pending) ? "pending" : "sent",
  note: bubble.title || "",
}))
"""
_WRITTEN = "(box) => ('value' in box ? box.value : box.innerText)"

#: Does what sends a message that was prepared.
Act = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Draft:
    """What one bubble is to hold: a text, a product's id, or the path of a picture."""

    kind: Literal["text", "product", "image"]
    content: str


@dataclass(frozen=True, slots=True)
class Bubble:
    """One of our bubbles as it is drawn; `note` is what it says of a failure."""

    kind: str
    text: str
    state: Literal["sent", "pending", "failed"]
    note: str = ""

    def holds(self, draft: Draft) -> bool:
        """Tell whether it shows this draft; layout does not count."""
        if draft.kind == "text":
            return _words(self.text) == _words(draft.content)
        return self.kind == draft.kind and (draft.kind == "image" or draft.content in self.text)


class ChatPage(SitePage):
    """A conversation."""

    name = "chat"
    path = "/partner/im"
    ready = "title"
    call = "/im/message/send"
    selectors: ClassVar[Mapping[str, str]] = {
        "title": ".chat-title",
        "input": "#im_sdk_chat_input textarea, textarea#imTextarea, textarea[placeholder='Send a message']",
        "input_count": ".input-count",
        "send": "#im_sdk_chat_input button.send",
        "sent_bubbles": ".chat-message.right",
        "received_bubbles": ".chat-message.left",
        "unavailable": ".chat-unavailable",
        "toast": ".chat-toast",
        "open_products": "button.open-products",
        "product_search": "input.product-search",
        "product_option": ".product-option",
        "send_product": "button.send-product",
        "image": "input.chat-image[type=file]",
        "show_contact": "button.show-contact",
    }
    occasional: ClassVar[frozenset[str]] = frozenset(
        {"sent_bubbles", "received_bubbles", "unavailable", "product_option", "send_product"}
    )
    #: What one of our bubbles matches, or has inside.
    bubble: ClassVar[Mapping[str, str]] = {
        "failed": "[data-status=failed]",
        "pending": "[data-status=sending]",
        "image": "img",
        "product": ".product-card",
    }

    @classmethod
    def address(cls, site: Site, creator_id: str) -> str:
        """Return where a creator's chat is."""
        return site.url(cls.path, creator_id=creator_id, market=site.market, enter_from="find_creator_detail")

    async def open_with(self, creator_id: str) -> None:
        """Open a creator's chat; raises ChatClosed, and PageChanged where there is nowhere to write."""
        await self.open(creator_id=creator_id, market=self.site.market, enter_from="find_creator_detail")
        box, closed = (self.at(name).locator("visible=true").first for name in ("input", "unavailable"))
        with told():
            try:
                await box.or_(closed).first.wait_for(timeout=self.patience_ms)
            except Late as error:
                await self.raise_for_wall()
                raise PageChanged(f"{self.name} shows no input ({self.selectors['input']})") from error
            if not await box.count():
                raise ChatClosed(_words(await closed.inner_text()) or "the creator takes no messages")

    async def longest(self) -> int:
        """Return how many UTF-16 code units the box takes."""
        with told():
            told_limit = await self.at("input").first.get_attribute("maxlength")
        return int(told_limit) if told_limit and told_limit.isdecimal() else LONGEST

    async def bubbles(self) -> list[Bubble]:
        """Return our bubbles, the latest last."""
        parts = [self.bubble[name] for name in ("failed", "pending", "image", "product")]
        with told():
            return [Bubble(**each) for each in await self.at("sent_bubbles").evaluate_all(_BUBBLES, parts)]

    async def check(self, draft: Draft) -> None:
        """Raise CannotSend if the chat would not take a draft; nothing is typed."""
        if draft.kind == "text":
            length, longest = len(draft.content.encode("utf-16-le")) // 2, await self.longest()
            if length > longest:
                raise CannotSend(f"the text has {length:,} characters, and the chat takes {longest:,}")
            if not draft.content.strip():
                raise CannotSend("the text is empty")
        elif draft.kind == "image" and not Path(draft.content).is_file():  # noqa: ASYNC240 -- a look at a folder
            raise CannotSend(f"the picture {Path(draft.content).name} is not there")
        elif draft.kind == "product":
            await self._offer(draft.content)

    async def prepared(self, draft: Draft) -> Act:
        """Bring a draft so far that one act sends it, and return that act. Nothing has left when this raises."""
        if draft.kind == "text":
            return await self._typed(draft.content)
        if draft.kind == "product":
            button = (await self._offer(draft.content)).locator(self.selectors["send_product"]).first
            return await self._pressable(button, "send_product")
        chooser = self.at("image").first
        with told():
            if not await chooser.count():
                raise PageChanged(f"{self.name} does not show image ({self.selectors['image']})")
        return lambda: chooser.set_input_files(draft.content)

    async def deliver(self, act: Act, draft: Draft, before: Sequence[Bubble]) -> None:
        """Send what was prepared, and return once its bubble says that it arrived.

        Raises NotDelivered where the site refuses it. Anything else it raises leaves open whether it arrived.
        """
        async with arriving(self.tab, lambda response: self.call in response.url) as answers:
            try:
                with told():
                    await act()
                await self._settled(draft, before, answers)
            except (SiteFailed, SessionLost):
                await asyncio.sleep(_LOOK_S)  # A page that leaves for the login was told why a moment before.
                self._raise_for_refusal(answers)
                raise

    async def _settled(self, draft: Draft, before: Sequence[Bubble], answers: Arrivals) -> None:
        began = looked = time.monotonic()
        while time.monotonic() < began + self.patience_ms / 1000:
            self._raise_for_refusal(answers)
            for each in reversed((await self.bubbles())[len(before) :]):
                if each.holds(draft) and each.state != "pending":
                    return await self._raise_for_failure(each)
            if draft.kind == "image" and (said := await self.said()) and (refusal := _refusal(said)).cause:
                raise refusal  # A picture that cannot be taken up never becomes a bubble.
            if time.monotonic() > looked + _WALLS_EVERY_S:
                looked = time.monotonic()
                await self.raise_for_wall()
            await asyncio.sleep(_LOOK_S)
        raise SiteFailed(f"no bubble of it arrived within {self.patience_ms / 1000:.0f} s")

    def _raise_for_refusal(self, answers: Arrivals) -> None:
        for arrival in answers.listed:
            if arrival.data.done() and not arrival.data.cancelled():
                error = arrival.data.exception()
                if isinstance(error, _CERTAIN):
                    raise NotDelivered(str(error), error)

    async def _raise_for_failure(self, bubble: Bubble) -> None:
        if bubble.state == "failed":
            try:
                await self.raise_for_wall()
            except CrawlError as wall:
                raise NotDelivered(str(wall), wall) from wall
            raise _refusal(bubble.note or await self.said() or "the bubble says that it failed")

    async def said(self) -> str:
        """Return what the page complains of."""
        with told():
            return _words(" ".join(await self.at("toast").all_inner_texts()))

    async def _typed(self, text: str) -> Act:
        box = self.at("input").first
        with told():
            try:
                await box.fill(text, timeout=self.patience_ms)
                written = await box.evaluate(_WRITTEN)
            except Late as error:
                await self.raise_for_wall()
                raise PageChanged(f"{self.name} does not let anybody write ({self.selectors['input']})") from error
            if _lines(written) != _lines(text):
                raise PageChanged(f"{self.name} holds another text than was typed")
            button = self.at("send").first
            if await button.count() and await button.is_visible():
                return await self._pressable(button, "send")
        return lambda: box.press("Enter")

    async def _pressable(self, button: Locator, name: str) -> Act:
        """Return what presses a button, having made sure that it can be pressed."""
        with told():
            try:
                await button.click(trial=True, timeout=self.patience_ms)
            except Late as error:
                await self.raise_for_wall()
                raise PageChanged(f"{self.name} does not let anybody press {name} ({self.selectors[name]})") from error
        return lambda: button.click(no_wait_after=True)

    async def _offer(self, product_id: str) -> Locator:
        """Return the one product of that id that the chat offers; raises CannotSend."""
        with told():
            search = self.at("product_search").first
            if not await search.is_visible():
                await self.click("open_products")
            try:
                await search.fill(product_id, timeout=self.patience_ms)
            except Late as error:
                raise PageChanged(f"{self.name} does not show product_search") from error
            options = self.at("product_option")
            named = options.and_(self.tab.locator(f"[data-product-id='{_quoted(product_id)}']"))
            if await named.count():
                return named.first
            if await options.count() == 1 and product_id in await options.first.inner_text():
                return options.first
        raise CannotSend(f"the chat does not offer product {product_id}")


def said_since(before: Sequence[Bubble], after: Sequence[Bubble], draft: Draft) -> bool:
    """Tell whether what a page shows now is what it showed before and then this draft, which arrived.

    A page shows the end of a conversation: the longer it grew, the more of its beginning is gone.
    """
    if not after or not after[-1].holds(draft) or after[-1].state != "sent":
        return False
    earlier, shown = [_content(each) for each in before if each.state == "sent"], [_content(each) for each in after]
    if earlier == shown:
        return False
    rest = shown[:-1]
    return earlier[-len(rest) :] == rest if rest else not earlier


def _content(bubble: Bubble) -> tuple[str, str]:
    return bubble.kind, _words(bubble.text)


def _refusal(said: str) -> NotDelivered:
    meant = next((kind for word, kind in _WORDS if word in said.lower()), None)
    return NotDelivered(said, meant(said) if meant else None)


def _words(text: str) -> str:
    return " ".join(text.split())


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
