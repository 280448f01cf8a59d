"""Sizes and measures as people and labels write them, in one form: tokens for tags, inches for clothes."""

import re
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

from schemas.replies.words import fold

#: https://en.wikipedia.org/wiki/Inch: exact since 1959.
CM_AN_INCH: Final = Decimal("2.54")
#: A garment longer or a shoe larger than that is a slip of the pen.
LARGEST: Final = Decimal(200)

_NONE: Final = frozenset({"", "n/a", "na", "none", "-", "null"})
_MEASURE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(in|ins|inch|inches|\"|''|cm|cms)?")
#: Longest first, so that "extra large" is not read as "large".
_SPELT: Final = (
    (re.compile(r"\b(?:one|free)[\s-]*size\b"), "onesize"),
    (re.compile(r"\b(?:xx|double extra|2)[\s-]*large\b"), "2xl"),
    (re.compile(r"\b(?:extra|x)[\s-]*large\b"), "xl"),
    (re.compile(r"\b(?:extra|x)[\s-]*small\b"), "xs"),
    (re.compile(r"\blarge\b"), "l"),
    (re.compile(r"\bmedium\b"), "m"),
    (re.compile(r"\bsmall\b"), "s"),
    (re.compile(r"\b(x{2,5})l\b"), lambda found: f"{len(found[1])}xl"),
    (re.compile(r"\b(x{2,5})s\b"), lambda found: f"{len(found[1])}xs"),
    (re.compile(r"\bw?(\d{2})\s*[x/]\s*l?(\d{2})\b"), r"w\1 l\2"),
    (re.compile(r"\b(us|uk|eu)\s*(?:men'?s|women'?s)?\s*(\d{1,2}(?:\.5)?)\b"), r"\1\2 \2"),
    (re.compile(r"\bw\s*(\d{2})\b"), r"w\1 \1"),
)
_TOKEN: Final = re.compile(r"[a-z]*\d+\.\d+|[a-z0-9]+")


class ShoeSize(NamedTuple):
    """A shoe's size in one system, or in any where none was named."""

    number: Decimal
    system: str | None


def size_tokens(tag: str) -> list[str]:
    """Return what a label's size is found by: "M/L" is m and l, "W32 L34" is w32, 32 and l34, "XXL" is 2xl."""
    text = fold(tag)
    for spelt, token in _SPELT:
        text = spelt.sub(token, text)
    return list(dict.fromkeys(_TOKEN.findall(text)))


def inches(text: str | None) -> Decimal | None:
    """Read a measure of clothes: "22in", '22"', "56 cm" or a bare number of inches; "N/A" is none.

    Raises ValueError where it is neither a measure nor the absence of one.
    """
    value = fold(text or "")
    if value in _NONE:
        return None
    found = _MEASURE.fullmatch(value)
    if found is None:
        raise ValueError(f"{text!r} is not a measure; write 22in, 56cm or N/A")
    number = Decimal(found[1]) / (CM_AN_INCH if (found[2] or "").startswith("cm") else 1)
    return _checked(number, text)


def plain_number(text: str | None) -> Decimal | None:
    """Read a shoe's size: a number, or N/A. Raises ValueError."""
    value = fold(text or "")
    if value in _NONE:
        return None
    try:
        return _checked(Decimal(value.removesuffix("cm").strip()), text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a size; write 10, 10.5 or N/A") from None


def _checked(number: Decimal, text: str | None) -> Decimal:
    if not number.is_finite() or not 0 < number <= LARGEST:
        raise ValueError(f"{text!r} is not between 0 and {LARGEST}")
    return number.quantize(Decimal("0.01"))
