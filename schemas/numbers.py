"""Numbers as pages and spreadsheets write them, read without guessing where the writing is clear."""

import math
import re
from decimal import Decimal
from typing import NoReturn

#: Longer text is prose with a number in it, and longer integers fit no column.
_LONGEST = 64
_LARGEST = 10**_LONGEST

_MULTIPLES = {"k": 3, "m": 6, "b": 9, "t": 12}

_SPACES = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009\u2007", " ") | {"\u2212": "-", "\u2019": "'"})

_USUAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,10})?")

_NUMBER = re.compile(
    r"""
    (?P<sign>[-+])?\s*(?:[A-Z]{0,3}[$€£¥])?\s*      # -$5 and $-5 alike: a sign may stand on either side of the currency
    (?P<signed>[-+])?
    (?P<digits>
        [0-9]{1,3}(?:[ '][0-9]{3})+(?:[.,][0-9]+)?  # 1 299,50
      | [0-9][0-9.,]*[0-9]                          # 1,299.00  1.299,00  12,5
      | [0-9]
      | \.[0-9]+
    )
    (?:
        [eE](?P<exponent>[-+]?[0-9]{1,2})(?![0-9A-Za-z])
      | (?P<suffix>[kKmMbBtT])(?![^\W\d_])            # 12K and 3M views, but not 5 brands, 5brands or 120minutes
    )?
    """,
    re.VERBOSE,
)

_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}|[0-9]{1,3}(?:\.[0-9]{3})+")


def number(value: object) -> Decimal | None:
    """Read a number, with its digits as written; None for nothing, a blank or a dash.

    "1,299.00", "1.299,00" and "1 299,00" are 1299.00, "12.3K" is 12300, "54%" is 54, "5 brands" is 5. A lone comma
    before exactly three digits parts thousands ("1,299"), a lone dot always parts decimals ("1.299").
    """
    if type(value) is int:
        return Decimal(value) if -_LARGEST < value < _LARGEST else _refuse()
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if value is None:
        return None
    if not isinstance(value, str):
        return _refuse()
    return _number_in(value)


def integer(value: object) -> int | None:
    """Read a whole number the way `number` does; what follows the decimal point is dropped."""
    if type(value) is int:
        return value
    read = number(value)
    return None if read is None else int(read)


def _number_in(written: str) -> Decimal | None:
    if _USUAL.fullmatch(written):
        return Decimal(written)
    text = written.translate(_SPACES).strip()
    if not text.strip("-\u2014\u2013_/ ") or text.lower() in {"n/a", "na", "null", "none"}:
        return None
    found = _NUMBER.search(text) if len(text) <= _LONGEST else None
    if found is None:
        return _refuse()
    digits = _plain(found["digits"])
    read = Decimal("-" + digits if "-" in (found["sign"], found["signed"]) else digits)
    if found["exponent"]:
        return read.scaleb(int(found["exponent"]))
    return read.scaleb(_MULTIPLES[found["suffix"].lower()]) if found["suffix"] else read


def _plain(digits: str) -> str:
    """Bring digits with thousands and decimals in any usual style to Python's."""
    digits = digits.replace(" ", "").replace("'", "")
    comma, dot = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and dot >= 0:
        thousands, decimals = (",", ".") if dot > comma else (".", ",")
        whole, _, fraction = digits.rpartition(decimals)
        if decimals in whole or not _THOUSANDS.fullmatch(whole):
            _refuse()
        return whole.replace(thousands, "") + "." + fraction
    if digits.count(",") == 1 and not (_THOUSANDS.fullmatch(digits) and digits[0] != "0"):
        return digits.replace(",", ".")
    if comma >= 0 or digits.count(".") > 1:
        return digits.replace(",", "").replace(".", "") if _THOUSANDS.fullmatch(digits) else _refuse()
    return digits


def _refuse() -> NoReturn:
    raise ValueError("is not a number")
