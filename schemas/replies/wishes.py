"""What a customer looks for: read from free text into filters that all hold, and the words that are left."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, NamedTuple

from schemas.replies.sizes import CM_AN_INCH, ShoeSize, size_tokens
from schemas.replies.stock import Category, Tier
from schemas.replies.vocabulary import CATEGORIES, FILLERS, SWAHILI
from schemas.replies.words import clean, words_of

#: As much of a message as is looked at.
LONGEST: Final = 2000
#: More words than that describe no piece.
MOST_WORDS: Final = 8
LONGEST_WORD: Final = 40
#: Jeans are called 501 and trainers 990; a shorter number is a size that nobody could place, a longer one a price.
MODEL_DIGITS: Final = 3
#: A tape measure held by two people differs by this much.
TOLERANCE: Final = Decimal(1)
_CENTIMETRES_FROM: Final = 45

_SKU: Final = re.compile(r"\bth[\s-]?([bmp])[\s-]?(\d{3})\b")
_NUMBER: Final = r"(\d{1,3}(?:\.\d{1,2})?)"
_SPAN: Final = rf"{_NUMBER}(?:\s*(?:-|to|and)\s*{_NUMBER})?\s*(in\b|ins\b|inch\b|inches\b|\"|cm\b)?"
_MEASURES: Final = tuple(
    (name, re.compile(rf"\b(?:{words})\s*(?:of|is|:|=|between|around|about)?\s*{_SPAN}"))
    for name, words in (
        ("pit_to_pit", r"pit[\s-]*(?:to|2)[\s-]*pit|p\s?2\s?p|ptp"),
        ("shoulder_to_hem", r"shoulder[\s-]*to[\s-]*hem"),
        ("waist", r"waist"),
        ("sleeve_length", r"sleeves?(?:[\s-]*length)?"),
        ("length", r"length"),
    )
)
_MONEY: Final = r"(?:kes|ksh|kshs|sh|bob)?\s*(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)\s*(k\b)?\s*(?:kes|ksh|kshs|bob|/=)?"
_BETWEEN: Final = re.compile(rf"\bbetween\s+{_MONEY}\s*(?:-|to|and)\s*{_MONEY}")
_MOST: Final = re.compile(rf"\b(?:under|below|max|maximum|less than|at most|up to|budget(?: of)?|chini ya)\s+{_MONEY}")
_LEAST: Final = re.compile(rf"\b(?:over|above|min|minimum|more than|at least|from)\s+{_MONEY}")
_SHOE: Final = re.compile(r"\b(us|uk|eu)\s*(?:men'?s?|women'?s?)?\s*(?:size\s*)?(\d{1,2}(?:\.\d{1,2})?)\b")
_SHOE_AFTER: Final = re.compile(r"\b(?:size\s*)?(\d{1,2}(?:\.\d{1,2})?)\s*(us|uk|eu|cm)\b")
_SIZE: Final = re.compile(
    r"\bsize\s*(\d{1,2}(?:\.\d)?|(?:extra|x)[\s-]*(?:large|small)|large|medium|small|(?:\d|x{1,4})?x?[lsm])\b"
)
_WAIST_TAG: Final = re.compile(r"\bw\s?(\d{2})(?:\s*[x/]?\s*l\s?\d{2})?\b")
_SPELT_SIZE: Final = re.compile(r"\b(?:(?:extra|x)[\s-]*(?:large|small)|large|medium|small|[2-5]xl|x{1,4}[ls])\b")
#: A single letter is a size where it is written as labels write it; "i'm" and "what's" leave letters too.
_LETTER: Final = re.compile(r"(?<![\w'\u2019])[SML](?![\w'\u2019])")


class Measured(NamedTuple):
    """A measure between two bounds, both included; inches."""

    name: str
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a piece must be; everything said must hold, and what was not said does not matter.

    `tag_size` is one token of a label. `words` are folded and matched with patience for slips of the keyboard.
    """

    sku: str | None = None
    category: Category | None = None
    tier: Tier | None = None
    brand: str | None = None
    min_price: int | None = None
    max_price: int | None = None
    tag_size: str | None = None
    shoe_size: ShoeSize | None = None
    measures: tuple[Measured, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was wished for: what is new answers that."""
        return self == Wish()

    def without_words(self) -> "Wish":
        """Return the wish by its filters alone, for what comes close."""
        return replace(self, words=())


class _Reading:
    """A message from which one thing after another is taken out."""

    def __init__(self, text: str) -> None:
        self.shown = clean(text)[:LONGEST]
        self.left = self.shown.casefold()
        self.wish = Wish()

    def take(self, pattern: re.Pattern[str], use: Callable[[re.Match[str]], Wish]) -> bool:
        """Use the first place that a pattern finds, and blank it out."""
        found = pattern.search(self.left)
        if found is None:
            return False
        self.wish = use(found)
        self.left = f"{self.left[: found.start()]} {self.left[found.end() :]}"
        return True


def wish_of(text: str) -> Wish:
    """Read a message as a wish; anything that says nothing about clothes is an empty one. Never raises."""
    reading = _Reading(text)
    reading.take(_SKU, lambda found: replace(reading.wish, sku=f"TH-{found[1].upper()}-{found[2]}"))
    for name, pattern in _MEASURES:
        reading.take(pattern, lambda found, name=name: _measured(reading.wish, name, found))  # type: ignore[misc] # mypy knows no defaults here
    _take_price(reading)
    _take_size(reading)
    return _with_words(reading)


def _measured(wish: Wish, name: str, found: re.Match[str]) -> Wish:
    low = Decimal(found[1])
    high = Decimal(found[2]) if found[2] else low
    if found[3] == "cm" or (found[3] is None and low > _CENTIMETRES_FROM and name != "length"):
        low, high = low / CM_AN_INCH, high / CM_AN_INCH
    low, high = min(low, high), max(low, high)
    # A span is as wide as it was said; a single number means as near as a tape measure tells.
    slack = Decimal(0) if found[2] else TOLERANCE
    return replace(wish, measures=(*wish.measures, Measured(name, low - slack, high + slack)))


def _take_price(reading: _Reading) -> None:
    def between(found: re.Match[str]) -> Wish:
        low, high = sorted((_shillings(found[1], found[2] or found[4]), _shillings(found[3], found[4])))
        return replace(reading.wish, min_price=low, max_price=high)

    if not reading.take(_BETWEEN, between):
        reading.take(_MOST, lambda found: replace(reading.wish, max_price=_shillings(found[1], found[2])))
        reading.take(_LEAST, lambda found: replace(reading.wish, min_price=_shillings(found[1], found[2])))


def _shillings(number: str, thousands: str | None) -> int:
    return min(int(Decimal(number.replace(",", "")) * (1000 if thousands else 1)), 2**31 - 1)


def _take_size(reading: _Reading) -> None:
    def shoe(number: str, system: str) -> Wish:
        if system == "eu":  # no piece has a measure of it, but labels do
            return replace(reading.wish, tag_size=f"eu{number}")
        return replace(reading.wish, shoe_size=ShoeSize(Decimal(number), system.upper()))

    def tagged(found: re.Match[str]) -> Wish:
        tag = size_tokens(found[found.lastindex or 0])[0]
        is_number = tag.replace(".", "").isdigit()
        if is_number and _is_about_shoes(reading.left):
            return replace(reading.wish, shoe_size=ShoeSize(Decimal(tag), None))
        return replace(reading.wish, tag_size=tag)

    if reading.take(_SHOE, lambda found: shoe(found[2], found[1])):
        return
    if reading.take(_SHOE_AFTER, lambda found: shoe(found[1], found[2])):
        return
    if reading.take(_SIZE, tagged) or reading.take(_SPELT_SIZE, tagged):
        return
    if reading.take(_WAIST_TAG, lambda found: replace(reading.wish, tag_size=f"w{found[1]}")):
        return
    letter = _LETTER.search(reading.shown)
    if letter:
        reading.wish = replace(reading.wish, tag_size=letter[0].lower())
        reading.left = re.sub(rf"(?<![\w'\u2019]){letter[0].lower()}(?![\w'\u2019])", " ", reading.left, count=1)


def _is_about_shoes(text: str) -> bool:
    return any(CATEGORIES.get(SWAHILI.get(word, word)) == "SHOES" for word in words_of(text))


def _says_something(word: str) -> bool:
    if word in FILLERS or not 1 < len(word) <= LONGEST_WORD:
        return False
    return not word.isdigit() or len(word) == MODEL_DIGITS


def _with_words(reading: _Reading) -> Wish:
    words = [SWAHILI.get(word, word) for word in words_of(reading.left)]
    category = next((CATEGORIES[word] for word in words if word in CATEGORIES), None)
    kept = [word for word in words if _says_something(word)]
    # "shoes" says what "boots" says more closely.
    kept = [word for word in kept if word not in {"shoe", "shoes", "clothes", "clothing", "footwear"}]
    return replace(
        reading.wish,
        category=Category(category) if category else None,
        words=tuple(dict.fromkeys(kept))[:MOST_WORDS],
    )
