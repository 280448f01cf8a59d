"""Readers of single values as pages and scripts write them; each raises ValueError with what is wrong."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from schemas.numbers import integer, number
from schemas.plain_json import canonical

#: What SQL's INT holds.
_INT = range(-(2**31), 2**31)

#: The most characters of an integer given where text is expected: the width of the longest id column.
_ID_DIGITS = 64

#: The most characters of a title that is cut to its column; more is no title.
_TITLE = 10_000

#: Moments before this are counters or mistakes, not the time of a crawl.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

#: Epoch numbers from here on count milliseconds: as seconds they would lie beyond the year 5100.
_FIRST_MILLISECONDS = 10**11


def text(limit: int) -> Callable[[Any], str | None]:
    """Read trimmed text of at most `limit` characters, blank as None; ids may come as numbers."""

    def read(value: Any) -> str | None:
        if value is None:
            return None
        trimmed: str = (value if type(value) is str else _text_of(value)).strip()
        if len(trimmed) > limit:
            raise ValueError(f"is longer than {limit} characters")
        return trimmed or None

    return read


def title(limit: int) -> Callable[[Any], str | None]:
    """Read text that people see and nobody compares: what is too long is cut, which loses less than the row."""
    whole = text(max(_TITLE, limit))

    def read(value: Any) -> str | None:
        found = whole(value)
        return found[:limit].rstrip() if found else None

    return read


def _text_of(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("is not text")  # noqa: TRY004  every reader says ValueError
    if isinstance(value, float):
        # Above 2**53 a float has lost digits, and an id with lost digits is somebody else's.
        if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        if abs(value) >= 2**53:
            raise ValueError("is a number too long to be exact: send it as text")
        return repr(value)
    if abs(value) >= 10**_ID_DIGITS:
        raise ValueError(f"is longer than {_ID_DIGITS} characters")
    return str(value)


_short_text = text(32)


def region(value: Any) -> str | None:
    """Read the code of a region, in capitals."""
    read = _short_text(value)
    return _short_text(read.upper()) if read else None


def count(value: Any) -> int | None:
    """Read a whole number that SQL's INT holds."""
    read = integer(value)
    if read is not None and read not in _INT:
        raise ValueError("is out of range")
    return read


class Decimals:
    """Reads the numbers that a DECIMAL(`digits`, `places`) column takes."""

    def __init__(self, digits: int, places: int) -> None:
        self._smallest = Decimal(1).scaleb(-places)
        # From half a step below the power of ten, rounding would reach it.
        self._bound = Decimal(10) ** (digits - places) - self._smallest / 2

    def rounded(self, value: Any) -> Decimal | None:
        """Read a number as the column will hold it."""
        exact = self.exact(value)
        return None if exact is None else exact.quantize(self._smallest, ROUND_HALF_UP)

    def exact(self, value: Any) -> Decimal | None:
        """Read a number with its digits as written."""
        read = number(value)
        if read is not None and abs(read) >= self._bound:
            raise ValueError("is out of range")
        return read


_CLAIMS = {"1": True, "true": True, "yes": True, "y": True, "0": False, "false": False, "no": False, "n": False}


def claim(value: Any) -> bool | None:
    """Read a yes or a no; anything else says neither."""
    return _CLAIMS.get(str(value).strip().lower()) if isinstance(value, str | int | float) else None


def snapshot(value: Any) -> dict[str, Any] | None:
    """Read an object, None for nothing in it."""
    if value is None or value in ("", []):
        return None
    if not isinstance(value, dict):
        raise ValueError("is not an object")  # noqa: TRY004  every reader says ValueError
    return value or None


def moment(value: Any) -> datetime | None:
    """Read ISO 8601, "YYYY-MM-DD HH:MM:SS" (UTC), or epoch seconds or milliseconds; None if it is none of them."""
    try:
        read = _epoch(float(value)) if _is_numeric(value) else datetime.fromisoformat(str(value).strip())
        aware = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return whole_milliseconds(aware) if aware >= _EARLIEST else None


def _is_numeric(value: Any) -> bool:
    if isinstance(value, str):
        # Eight digits are a date to ISO 8601, and a moment of 1970 to the epoch.
        return len(value.strip()) > len("20240101") and value.strip().replace(".", "", 1).isdecimal()
    return isinstance(value, int | float) and not isinstance(value, bool)


def _epoch(value: float) -> datetime:
    seconds = value / 1000 if value >= _FIRST_MILLISECONDS else value
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)


def whole_milliseconds(at: datetime) -> datetime:
    """Cut a moment to what the databases keep, so that equal moments stay equal once stored."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def as_is(value: Any) -> Any:
    """Read whatever it is."""
    return value


def prose(limit: int) -> Callable[[Any], str | None]:
    """Read text for people, which may come as a list or an object; what is too long is cut."""
    whole = title(limit)

    def read(value: Any) -> str | None:
        if isinstance(value, list):
            return whole(", ".join(each for each in (_told(part) for part in value) if each))
        return whole(_told(value)) if isinstance(value, dict) else whole(value)

    return read


def _told(value: Any) -> str:
    if isinstance(value, dict | list):
        return canonical(value).decode()
    return "" if value is None else str(value).strip()
