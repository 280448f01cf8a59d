"""The stored shape of what is for sale and of what was promised to whom; names follow the SQL columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final


class Category(StrEnum):
    """What a piece is."""

    CLOTHES = "CLOTHES"
    SHOES = "SHOES"


class Tier(StrEnum):
    """How a piece is priced."""

    BUDGET = "BUDGET"
    MID_RANGE = "MID_RANGE"
    PREMIUM = "PREMIUM"


class ItemStatus(StrEnum):
    """What is stored of a piece; a hold is not stored here, and hides it all the same."""

    AVAILABLE = "AVAILABLE"
    RESERVED = "RESERVED"
    SOLD = "SOLD"


class HoldState(StrEnum):
    """What became of a hold; one that is HELD is live until it expires, whether or not anybody has noticed."""

    HELD = "HELD"
    CONVERTED = "CONVERTED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


class OrderStatus(StrEnum):
    """How far an order has come."""

    PENDING = "PENDING"
    PAID = "PAID"
    SHIPPED = "SHIPPED"
    CANCELLED = "CANCELLED"


#: Where an order may go from where it is; nothing that a customer says moves it.
MOVES: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.PENDING: frozenset({OrderStatus.PAID, OrderStatus.CANCELLED}),
    OrderStatus.PAID: frozenset({OrderStatus.SHIPPED, OrderStatus.CANCELLED}),
    OrderStatus.SHIPPED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}

#: Inches of clothes, in the order in which they tell most about the fit.
CLOTHES_MEASURES: Final = ("pit_to_pit", "shoulder_to_hem", "waist", "length", "sleeve_length")
#: Sizes of shoes by system; `cm` is the length of the foot.
SHOE_MEASURES: Final = ("us_size", "uk_size", "cm")
MEASURES: Final = (*CLOTHES_MEASURES, *SHOE_MEASURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One piece; there is no second one. `price_kes` is whole Kenyan shillings.

    `tag_size` is what the label says and the measurements are what is true; `fit_notes` tells where they disagree.
    `measurements` is as it was delivered. `version` grows with every change of the description.
    """

    sku: str
    name: str
    category: Category
    tier: Tier
    price_kes: int
    tag_size: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    brand: str | None = None
    negotiable: bool = False
    size_system: str | None = None
    measurements: dict[str, str] = field(default_factory=dict)
    pit_to_pit: Decimal | None = None
    shoulder_to_hem: Decimal | None = None
    waist: Decimal | None = None
    length: Decimal | None = None
    sleeve_length: Decimal | None = None
    us_size: Decimal | None = None
    uk_size: Decimal | None = None
    cm: Decimal | None = None
    fit_notes: str = ""
    status: ItemStatus = ItemStatus.AVAILABLE
    image_url: str | None = None
    version: int = 1
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A piece kept for a customer until `expires_at`."""

    inventory_id: int
    user_id: str
    conversation_id: str | None
    state: HoldState
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    id: int | None = None

    def is_live(self, now: datetime) -> bool:
        """Tell whether it still keeps the piece; the moment of expiry is the first one without it."""
        return self.state is HoldState.HELD and self.expires_at > now


@dataclass(frozen=True, slots=True)
class StockView:
    """A piece as it stands at one moment: what is stored, beside the hold that is live on it."""

    item: Item
    hold: Hold | None = None

    def status_for(self, user_id: str | None) -> ItemStatus:
        """Return what a customer may be told: a piece held for somebody else is gone, one's own hold is no obstacle."""
        if self.item.status is ItemStatus.AVAILABLE and self.hold and self.hold.user_id != user_id:
            return ItemStatus.RESERVED
        return self.item.status

    def is_held_by(self, user_id: str) -> bool:
        """Tell whether the piece is kept for this customer."""
        return self.hold is not None and self.hold.user_id == user_id


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """How long a piece is kept, and how many one customer may have kept at once."""

    ttl: timedelta = timedelta(minutes=30)
    most: int = 2


class NotHeld(StrEnum):
    """Why a piece was not kept for a customer."""

    UNKNOWN = "unknown"
    SOLD = "sold"
    TAKEN = "taken"
    TOO_MANY = "too many"


@dataclass(frozen=True, slots=True)
class HoldOutcome:
    """What became of the wish to keep a piece: a hold, new or known, or the reason why there is none."""

    item: Item | None
    hold: Hold | None = None
    is_new: bool = False
    refused: NotHeld | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A customer who wants to know when a piece is free again."""

    inventory_id: int
    user_id: str
    conversation_id: str
    created_at: datetime
    notified_at: datetime | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A customer's order; `code` is what the customer knows it by, `pay_by` when it lapses unpaid.

    `total_amount` is in whole units of `currency`.
    """

    code: str
    user_id: str
    conversation_id: str | None
    status: OrderStatus
    total_amount: int
    currency: str
    pay_by: datetime
    created_at: datetime
    updated_at: datetime
    tiktok_event_id: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderItem:
    """A piece of an order at the price of that moment; `live_inventory_id` is empty once the order is cancelled."""

    order_id: int
    inventory_id: int
    live_inventory_id: int | None
    price_at_purchase: int
    quantity: int = 1
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """Who moved an order, when and why; the first one has no `from_status`."""

    order_id: int
    from_status: OrderStatus | None
    to_status: OrderStatus
    who: str
    at: datetime
    reason: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with its pieces, and what was paid for each, in order of writing."""

    order: Order
    items: tuple[tuple[Item, OrderItem], ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of the wish to move an order; `is_allowed` is false where its status forbids it."""

    order: Order
    is_allowed: bool
