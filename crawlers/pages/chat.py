"""The chat with one creator: what was said, where to write, and how one sees that it arrived."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Locator
from playwright.async_api import TimeoutError as Late

from crawlers.browser import told
from crawlers.errors import (
    CannotSend,
    ChatClosed,
    CrawlError,
    NotDelivered,
    PageChanged,
    SessionLost,
    SiteFailed,
)
from crawlers.pages.arrivals import Arrivals, arriving
from crawlers.pages.bubbles import Bubble, Draft, added, words
from crawlers.pages.page import SitePage
from crawlers.pages.sending import SendCall, refusal, sending
from crawlers.site import Site

#: UTF-16 code units that the box takes, where it does not say so itself.
LONGEST = 2000
_LOOK_S = 0.05
#: Once no bubble has been added for so long, the conversation is taken to be there.
_STILL_S = 0.3
#: After a message was sent the page is looked through for walls this often.
_WALLS_EVERY_S = 1.0

_WRITTEN = "(box) => ('value' in box ? box.value : box.innerText)"

#: Does what sends a message that was prepared.
Act = Callable[[], Awaitable[Any]]


class ChatPage(SitePage):
    """A conversation."""

    name = "chat"
    path = "/partner/im"
    ready = "title"
    call = "/im/message/send"
    #: The call whose answer says whose conversation this is.
    talk = "/im/conversation"
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
    bubble: ClassVar[Mapping[str, str]] = Bubble.selectors
    occasional: ClassVar[frozenset[str]] = frozenset(
        {"sent_bubbles", "received_bubbles", "unavailable", "product_option", "send_product"}
    )

    @classmethod
    def address(cls, site: Site, creator_id: str) -> str:
        """Return where a creator's chat is."""
        return site.url(cls.path, creator_id=creator_id, market=site.market, enter_from="find_creator_detail")

    async def open_with(self, creator_id: str, username: str | None = None) -> None:
        """Open a creator's chat and wait for what was said in it.

        Raises ChatClosed, and PageChanged where there is nowhere to write or the chat is not that creator's.
        """
        async with arriving(self.tab, lambda response: self.talk in response.url) as answers:
            await self.open(creator_id=creator_id, market=self.site.market, enter_from="find_creator_detail")
            await self._wait_for_box()
            await self._wait_for_history()
            await self._be_sure_of(creator_id, username, answers)

    async def _wait_for_box(self) -> None:
        box, closed = (self.at(name).locator("visible=true").first for name in ("input", "unavailable"))
        with told():
            try:
                await box.or_(closed).first.wait_for(timeout=self.patience_ms)
            except Late as error:
                await self.raise_for_wall()
                raise PageChanged(f"{self.name} shows no input ({self.selectors['input']})") from error
            if not await box.count():
                raise ChatClosed(words(await closed.inner_text()) or "the creator takes no messages")

    async def _wait_for_history(self) -> None:
        """Wait until nothing is added to what was said: what comes later would look as if it had just been sent."""
        drawn, since = -1, time.monotonic()
        ends_at = since + self.patience_ms / 1000
        while (now := time.monotonic()) < min(since + _STILL_S, ends_at):
            with told():
                shown = await self.at("sent_bubbles").or_(self.at("received_bubbles")).count()
            if shown != drawn:
                drawn, since = shown, now
            await asyncio.sleep(_LOOK_S)

    async def _be_sure_of(self, creator_id: str, username: str | None, answers: Arrivals) -> None:
        """Raise PageChanged where the open chat is another creator's, as far as address, call and title tell."""
        (asked,) = parse_qs(urlsplit(self.tab.url).query).get("creator_id", [creator_id])[-1:]
        shown = await self._shown_creator(answers)
        if {asked, shown or creator_id} != {creator_id}:
            raise PageChanged(f"{self.name} of {creator_id} shows {shown or asked}")
        if shown is None and username and username != creator_id:
            with told():
                title = words(await self.at("title").first.inner_text())
            if username.casefold().removeprefix("@") not in title.casefold():
                raise PageChanged(f"{self.name} of {username} is called {title[:80]}")

    async def _shown_creator(self, answers: Arrivals) -> str | None:
        """Return whose conversation the page was given; None where its call, if it makes one, does not say."""
        if answers.listed:
            await asyncio.wait([arrival.data for arrival in answers.listed], timeout=self.patience_ms / 1000)
        for each in reversed([arrival.data for arrival in answers.listed]):
            creator = each.result().get("creator") if each.done() and not each.exception() else None
            if isinstance(creator, dict) and (shown := creator.get("creator_id")):
                return str(shown)
        return None

    async def has_reply(self) -> bool:
        """Tell whether the creator's side has written anything."""
        return await self.shows("received_bubbles")

    async def longest(self) -> int:
        """Return how many UTF-16 code units the box takes."""
        with told():
            told_limit = await self.at("input").first.get_attribute("maxlength")
        return int(told_limit) if told_limit and told_limit.isdecimal() else LONGEST

    async def bubbles(self) -> list[Bubble]:
        """Return our bubbles, the latest last."""
        with told():
            return await Bubble.all_of(self.at("sent_bubbles"))

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
        async with sending(self.tab, self.call) as call:
            try:
                with told():
                    await act()
                await self._settled(draft, before, call)
            except (SiteFailed, SessionLost):
                await asyncio.sleep(_LOOK_S)  # A page that leaves for the login was told why a moment before.
                call.raise_if_refused()
                raise

    async def _settled(self, draft: Draft, before: Sequence[Bubble], call: SendCall) -> None:
        began = looked = time.monotonic()
        while time.monotonic() < began + self.patience_ms / 1000:
            call.raise_if_refused()
            bubble = added(before, await self.bubbles(), draft)
            if bubble is not None and bubble.state == "failed":
                await self._raise_refusal(bubble, call)
            if bubble is not None and bubble.state == "sent" and not call.is_open:
                if failure := call.failure():
                    raise NotDelivered(str(failure))
                return
            if draft.kind == "image" and not call.has_broken and (refused := refusal(await self.said())).cause:
                raise refused  # A picture that cannot be taken up never becomes a bubble.
            if time.monotonic() > looked + _WALLS_EVERY_S:
                looked = time.monotonic()
                await self.raise_for_wall()
            await asyncio.sleep(_LOOK_S)
        raise SiteFailed(f"no bubble of it arrived within {self.patience_ms / 1000:.0f} s")

    async def _raise_refusal(self, bubble: Bubble, call: SendCall) -> NoReturn:
        try:
            await self.raise_for_wall()
        except CrawlError as wall:
            raise NotDelivered(str(wall), None if call.has_broken else wall) from wall
        reason = bubble.note or await self.said() or "the bubble says that it failed"
        raise NotDelivered(reason) if call.has_broken else refusal(reason)

    async def said(self) -> str:
        """Return what the page complains of."""
        with told():
            return words(" ".join(await self.at("toast").all_inner_texts()))

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


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
