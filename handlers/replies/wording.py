"""What the bot says, word for word; every price, code, status and measure comes from a row that was just read. Pure.

Plain text, since TikTok shows marks as they are written. Apart from lists an answer aims at `SHORT` characters: hints
are left out of a longer one, facts never.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from schemas.replies.stock import (
    CLOTHES_MEASURES,
    Category,
    Item,
    ItemStatus,
    NotHeld,
    OrderStatus,
    OrderView,
    StockView,
)
from schemas.replies.words import clean, fold

#: Longer ones are not read on a telephone.
SHORT: Final = 200
#: https://business-api.tiktok.com/portal/docs: a text message's most characters.
HARD: Final = 6000
#: The shop's clock.
NAIROBI: Final = ZoneInfo("Africa/Nairobi")
#: As much of what stock says of a fit as belongs in a chat.
REMARK: Final = 160
NAME: Final = 80

MENU: Final = (
    "Reply with a number:\n1. Order status\n2. New drops\n3. Talk to a person\n"
    'Or say what you look for, like "size L jacket".'
)
GREETING: Final = "Hi, welcome to Philia! Every piece is one of a kind."
WORDLESS: Final = "We can only read words here."
HANDED_OVER: Final = "A person from the shop will write to you here soon. Until then the bot stays quiet."
NO_ORDERS: Final = "You have no order with us yet."
UNKNOWN_ORDER: Final = "We find no order of yours with that code. Please check it, or reply MENU to reach a person."
NOTHING_FOUND: Final = "Sorry, nothing like that right now. Reply MENU for more."
NOTHING_NEW: Final = "Everything is gone for now. New pieces come every week."
NO_PIECE: Final = "We have no piece with that code."
TOLD_FIXED: Final = "The price of this piece is fixed."
WHICH_PIECE: Final = "Which piece do you mean? Send its code, which begins with TH."
DECLINED: Final = "No problem, nothing was changed."
LAPSED: Final = "That offer is over. Send the piece's code again."
WAITING: Final = "We write to you once if it is free again."
NO_HOLDS: Final = "Nothing is kept for you at the moment."
ASK_AGAIN: Final = "Sorry, we did not quite get that. Which piece, size or brand do you look for?"
#: Said where the bot cannot help and nobody else was asked yet.
HELPLESS: Final = "Sorry, we did not quite get that. Reply 3 to talk to a person."

_STATUS: Final = {
    OrderStatus.PENDING: "waiting for payment",
    OrderStatus.PAID: "paid, to be shipped",
    OrderStatus.SHIPPED: "shipped",
    OrderStatus.CANCELLED: "cancelled",
}
_LABELS: Final = {
    "pit_to_pit": "pit to pit",
    "shoulder_to_hem": "shoulder to hem",
    "waist": "waist",
    "length": "length",
    "sleeve_length": "sleeve",
}
_LINK: Final = re.compile(r"(?i)\b(?:https?://|www\.)\S+")
_FIT: Final = re.compile(r"\b(fits?|shrunk|measures?|runs? (?:small|large)|cut (?:wide|close|short))\b")


def money(kes: int) -> str:
    """Return an amount as the shop writes it."""
    return f"KES {kes:,}"


def line(number: int, item: Item) -> str:
    """Return one line of a list."""
    return f"{number}. {described(item)}, {item.sku}{_after(remark(item))}"


def described(item: Item) -> str:
    """Return a piece's name, price, label and measures, always the label beside what is true."""
    return f"{_plain(item.name, NAME)}, {money(item.price_kes)}, tag {_plain(item.tag_size, 50)}{_measured(item)}"


def remark(item: Item) -> str:
    """Return what is to be known where the label and the fit differ; empty where they agree."""
    return _plain(item.fit_notes, REMARK)


def listing(heading: str, views: Sequence[StockView]) -> str:
    """Return pieces as a list under a heading."""
    return "\n".join([heading, *(line(number, each.item) for number, each in enumerate(views, start=1))])


def piece(view: StockView, user_id: str, minutes: int) -> str:
    """Return one piece as it stands for a customer, and what can be done about it."""
    item = view.item
    told = f"{described(item)}, {item.sku}{_after(remark(item))}"
    status = view.status_for(user_id)
    if view.hold and view.is_held_by(user_id) and status is ItemStatus.AVAILABLE:
        return with_hint(
            f"{told}. Kept for you until {hour(view.hold.expires_at)}.", f"Reply BUY {item.sku} to order it."
        )
    if status is ItemStatus.AVAILABLE:
        return with_hint(f"{told}. It is available.", f"Reply HOLD {item.sku} to keep it {minutes} min.")
    return gone(item, status)


def gone(item: Item, status: ItemStatus) -> str:
    """Return that a piece cannot be had."""
    name = f"{_plain(item.name, NAME)}, {item.sku},"
    if status is ItemStatus.SOLD:
        return f"Sorry, {name} is sold."
    return f"Sorry, {name} is reserved. Reply WAIT {item.sku} and we write to you if it is free again."


def kept(item: Item, until: datetime, *, is_new: bool) -> str:
    """Return that a piece is kept for a customer, with what it is."""
    verb = "is now kept" if is_new else "is kept"
    told = f"{described(item)}, {item.sku}{_after(remark(item))}. It {verb} for you until {hour(until)}."
    return with_hint(told, f"Reply BUY {item.sku} to order it.")


def free_again(item: Item, minutes: int) -> str:
    """Return that a piece somebody waited for can be had."""
    told = f"It is free again: {described(item)}, {item.sku}{_after(remark(item))}."
    return with_hint(told, f"Reply HOLD {item.sku} to keep it {minutes} min.")


def refused(item: Item | None, why: NotHeld, most: int) -> str:
    """Return why a piece is not kept."""
    if item is None or why is NotHeld.UNKNOWN:
        return NO_PIECE
    if why is NotHeld.TOO_MANY:
        return f"We keep at most {most} pieces for you at once. Reply RELEASE with a piece's code to give one up."
    return gone(item, ItemStatus.SOLD if why is NotHeld.SOLD else ItemStatus.RESERVED)


def offered_hold(item: Item, minutes: int) -> str:
    """Return the question whether a piece shall be kept."""
    return (
        f"{described(item)}, {item.sku}{_after(remark(item))}. Shall we keep it for you for {minutes} min? Reply YES."
    )


def offered_release(item: Item) -> str:
    """Return the question whether a piece shall be given up."""
    return f"Shall we give up {_plain(item.name, NAME)}, {item.sku}, which is kept for you? Reply YES."


def offered_order(items: Sequence[Item]) -> str:
    """Return the question whether pieces shall be ordered, with what they cost together."""
    names = "; ".join(f"{described(each)}, {each.sku}{_after(remark(each))}" for each in items)
    total = sum(each.price_kes for each in items)
    return f"{names}. Shall we make your order of {money(total)}? Reply YES."


def ordered(view: OrderView) -> str:
    """Return that an order was made."""
    skus = ", ".join(item.sku for item, _ in view.items)
    order = view.order
    return (
        f"Your order {order.code} is made: {skus}, {money(order.total_amount)} in all, to be paid by "
        f"{day(order.pay_by)}. A person from the shop will tell you how to pay."
    )


def order_line(view: OrderView) -> str:
    """Return how an order stands."""
    skus = ", ".join(item.sku for item, _ in view.items)
    return f"Order {view.order.code}: {_STATUS[view.order.status]}. {skus}, {money(view.order.total_amount)}."


def released(item: Item) -> str:
    """Return that a piece is kept no more."""
    return f"{_plain(item.name, NAME)}, {item.sku}, is no longer kept for you."


def negotiable(item: Item) -> str:
    """Return that a price may be talked about, by people only: the bot grants nothing."""
    return (
        f"{described(item)}, {item.sku}. You can make an offer for this piece. Reply PERSON and someone will answer it."
    )


def fixed(item: Item) -> str:
    """Return that a price is what it is."""
    return f"{described(item)}, {item.sku}. {TOLD_FIXED}"


def with_hint(told: str, hint: str) -> str:
    """Return facts with a hint, as far as there is room."""
    return f"{told} {hint}" if len(told) + len(hint) < SHORT else told


def hour(moment: datetime) -> str:
    """Return a time of today by the shop's clock."""
    return f"{moment.astimezone(NAIROBI):%H:%M} (Nairobi)"


def day(moment: datetime) -> str:
    """Return a day and its time by the shop's clock."""
    return f"{moment.astimezone(NAIROBI):%d %b %H:%M} (Nairobi)"


def fits_otherwise(item: Item) -> bool:
    """Tell whether the remark of a piece says that its label and its fit differ."""
    return bool(_FIT.search(fold(item.fit_notes)))


def _measured(item: Item) -> str:
    if item.category is Category.SHOES:
        sizes = (("US", item.us_size), ("UK", item.uk_size))
        known = [f"{system} {_number(size)}" for system, size in sizes if size is not None]
        known += [f"{_number(item.cm)} cm"] if item.cm is not None else []
    else:
        known = [
            f"{_LABELS[name]} {_number(value)} in"
            for name in CLOTHES_MEASURES
            if (value := getattr(item, name)) is not None
        ][:1]
    return f" ({', '.join(known)})" if known else ""


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _after(text: str) -> str:
    return f". {text.rstrip('.')}" if text else ""


def _plain(text: str, longest: int) -> str:
    """Return what stock says in one line without links: it was typed by people and is not trusted either."""
    shown = _LINK.sub("", clean(text))
    return shown if len(shown) <= longest else f"{shown[: longest - 1].rstrip()}…"
