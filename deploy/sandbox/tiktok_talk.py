"""What is said between a customer and a business, as TikTok's stand-in keeps it and tells it to others."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

BUSINESS: Final = "biz-sandbox"
CUSTOMER: Final = "usr-sandbox"

Speaker = Literal["customer", "shop", "person"]
"""`shop` speaks through the API, a `person` of the shop in TikTok's own app."""


@dataclass
class Conversation:
    """What was said between a customer and the business; `wrote_at` is when the customer last wrote.

    `messages` are the business's by the API, as TikTok lists them; `talk` is everything in the order in which it was
    said.
    """

    id: str
    wrote_at: float
    sent: int = 0
    business: str = BUSINESS
    customer: str = CUSTOMER
    messages: list[dict[str, Any]] = field(default_factory=list)
    talk: list[dict[str, Any]] = field(default_factory=list)

    def say(self, by: Speaker, number: str, text: str, at: float, now: float) -> dict[str, Any]:
        """Note what is said, and return it as a notification tells it."""
        self.talk.append({"by": by, "text": text, "message_id": number, "at": at, "heard_at": now})
        shop = {"id": self.business, "role": "business_account"}
        customer = {"id": self.customer, "role": "personal_account"}
        sender, receiver = (customer, shop) if by == "customer" else (shop, customer)
        return {
            "conversation_id": self.id,
            "message_id": number,
            "timestamp": int(at * 1000),
            "type": "text",
            "text": {"body": text},
            "from": sender["id"],
            "from_user": sender,
            "to": receiver["id"],
            "to_user": receiver,
            "message_tag": {"source": "API" if by == "shop" else "APP"},
        }

    def list(self, number: str, text: str, at: float) -> dict[str, Any]:
        """Note a message of the business's for the list of the newest, and return it."""
        said = {
            "message_id": number,
            "conversation_id": self.id,
            "timestamp": int(at * 1000),
            "message_type": "TEXT",
            "text": {"body": text},
            "from_user": {"id": self.business, "role": "BUSINESS_ACCOUNT"},
            "message_tag": {"source": "API"},
        }
        self.messages.append(said)
        return said
