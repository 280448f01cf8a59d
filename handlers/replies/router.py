"""Reads what has only one meaning, without guessing: menu picks, codes, fixed words, tapped buttons. Pure."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from schemas.replies.intents import Intent
from schemas.replies.records import Thread
from schemas.replies.words import clean, fold, words_of

#: A digit picks from the menu for that long, and only while the menu is the last thing that was said.
MENU_LASTS: Final = timedelta(minutes=30)
#: What was offered is confirmed within that; a hold lasts as long.
PROPOSAL_LASTS: Final = timedelta(minutes=30)
#: As much of a message as is read.
LONGEST: Final = 2000

MENU: Final = {1: Intent.ORDER_STATUS, 2: Intent.NEW_DROPS, 3: Intent.HUMAN}

_SKU_TEXT: Final = r"th[\s\-\u2010-\u2015]?([bmp])[\s\-\u2010-\u2015]?(\d{3})"
_SKU: Final = re.compile(rf"(?<![a-z0-9]){_SKU_TEXT}(?!\d)")
_ORDER: Final = re.compile(r"(?<![a-z0-9])pt[\s\-\u2010-\u2015]?([0-9a-hjkmnp-tv-z]{8})(?![a-z0-9])")
_PICK: Final = re.compile(r"[#(]?\s*(\d)\s*[.):]?")
_PLEASE: Final = r"(?:\s*(?:please|pls|plz|tafadhali))?\s*[.!]*"
_FIXED: Final = tuple(
    (intent, re.compile(rf"(?:{verbs})\s+{_SKU_TEXT}{_PLEASE}"))
    for intent, verbs in (
        (Intent.HOLD, "hold|reserve"),
        (Intent.RELEASE, "release|unhold|cancel(?:\\s+hold)?"),
        (Intent.BUY, "buy|order"),
        (Intent.WAIT, "wait(?:\\s+for)?|notify(?:\\s+me)?"),
    )
)
#: Who wants messages again says so.
START: Final = frozenset(("start", "unstop", "subscribe", "opt in", "anza"))
_WHOLE: Final = {
    **dict.fromkeys(START, Intent.GREETING),
    **dict.fromkeys(("menu", "help", "main menu", "options", "msaada"), Intent.MENU),
    **dict.fromkeys(("human", "agent", "person", "operator", "talk to a person", "talk to a human"), Intent.HUMAN),
    **dict.fromkeys(("new drops", "drops"), Intent.NEW_DROPS),
    **dict.fromkeys(("order status", "my order", "where is my order"), Intent.ORDER_STATUS),
}
_YES: Final = frozenset(("yes", "yes please", "y", "yeah", "yep", "ok", "okay", "confirm", "sawa", "ndio", "ndiyo"))
_NO: Final = frozenset(("no", "no thanks", "no thank you", "n", "nope", "nah", "hapana", "cancel"))


@dataclass(frozen=True, slots=True)
class Routed:
    """What a message certainly means; `code` is an order's."""

    intent: Intent
    sku: str | None = None
    code: str | None = None


def route(text: str, button: str | None, thread: Thread, now: datetime) -> Routed | None:
    """Return what a message certainly means, or None where somebody has to guess. A tapped button wins over text."""
    return (_read(button, thread, now) if button else None) or _read(text, thread, now)


def is_wordless(text: str) -> bool:
    """Tell whether there is nothing to read."""
    return not words_of(text[:LONGEST])


def menu_is_open(thread: Thread, now: datetime) -> bool:
    """Tell whether a digit picks from the menu."""
    return thread.menu_shown_at is not None and timedelta() <= now - thread.menu_shown_at <= MENU_LASTS


def proposal_is_open(thread: Thread, now: datetime) -> bool:
    """Tell whether the customer was asked something that a yes confirms."""
    proposed = thread.proposed_at if thread.proposal else None
    return proposed is not None and now - proposed <= PROPOSAL_LASTS


def skus_in(text: str) -> list[str]:
    """Return the codes of pieces that a text names, once each, in order."""
    found = _SKU.findall(fold(text[:LONGEST]))
    return list(dict.fromkeys(f"TH-{tier.upper()}-{number}" for tier, number in found))


def with_menu(thread: Thread, now: datetime) -> Thread:
    """Return the conversation with the menu as the last thing said."""
    return replace(thread, menu_shown_at=now)


def _read(text: str, thread: Thread, now: datetime) -> Routed | None:
    words = fold(_digits(text[:LONGEST]))
    picked = _PICK.fullmatch(words)
    if picked:
        return Routed(MENU[int(picked[1])]) if menu_is_open(thread, now) and int(picked[1]) in MENU else None
    plain = " ".join(words_of(words))
    if proposal_is_open(thread, now) and plain in _YES | _NO:
        return Routed(Intent.CONFIRM if plain in _YES else Intent.DECLINE)
    if plain in _WHOLE:
        return Routed(_WHOLE[plain])
    for intent, pattern in _FIXED:
        if found := pattern.fullmatch(words):
            return Routed(intent, f"TH-{found[1].upper()}-{found[2]}")
    if ordered := _ORDER.search(words):
        return Routed(Intent.ORDER_STATUS, code=f"PT-{ordered[1].upper()}")
    # Words around a code say what is wanted of the piece; alone it asks how the piece is.
    skus = skus_in(words)
    return Routed(Intent.ITEM, skus[0]) if len(skus) == 1 and plain == skus[0].lower().replace("-", " ") else None


def _digits(text: str) -> str:
    """Return text with every script's digits as ours, without the frame of a keycap."""
    folded = "".join(
        str(digit) if (digit := unicodedata.digit(each, None)) is not None else each for each in clean(text)
    )
    return folded.replace("\ufe0f", "").replace("\u20e3", "")
