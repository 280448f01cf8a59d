"""The chat with one creator."""

from collections.abc import Mapping
from typing import ClassVar

from crawlers.pages.page import SitePage
from crawlers.site import Site


class ChatPage(SitePage):
    """A conversation: what was said, and where to write."""

    name = "chat"
    path = "/partner/im"
    ready = "title"
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

    @classmethod
    def address(cls, site: Site, creator_id: str) -> str:
        """Return where a creator's chat is."""
        return site.url(cls.path, creator_id=creator_id, market=site.market, enter_from="find_creator_detail")

    async def open_with(self, creator_id: str) -> None:
        """Open a creator's chat."""
        await self.open(creator_id=creator_id, market=self.site.market, enter_from="find_creator_detail")
