"""How each field of a sample row is spelled and read; everything here is a table and its small readers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import IntEnum
from typing import Any, NamedTuple

from pydantic.alias_generators import to_camel

from schemas.numbers import integer, number

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


class Part(IntEnum):
    """What a field of a row is about; also its place in a list of one dictionary a part."""

    SAMPLE = 0  # a column of the sample, where absence keeps and null clears
    PROMOTION = 1  # a published content or its metrics
    OTHER = 2  # read to understand the row
    UNUSED = 3  # known, and not stored
    UNKNOWN = 4  # kept with the crawl log


class Field(NamedTuple):
    """Where a value belongs and how it is read; `read` raises ValueError with what is wrong."""

    part: Part
    name: str
    read: Callable[[Any], Any]


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
    whole = text(_TITLE)

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


def _region(value: Any) -> str | None:
    read = _short_text(value)
    return _short_text(read.upper()) if read else None


def _count(value: Any) -> int | None:
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


_CLAIMS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def _claim(value: Any) -> bool | None:
    return _CLAIMS.get(str(value).strip().lower()) if isinstance(value, str | int | float) else None


def _snapshot(value: Any) -> dict[str, Any] | None:
    if value is None or value in ("", []):
        return None
    if not isinstance(value, dict):
        raise ValueError("is not an object")  # noqa: TRY004  every reader says ValueError
    return value or None


def _moment(value: Any) -> datetime | None:
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


def whole_milliseconds(moment: datetime) -> datetime:
    """Cut a moment to what the databases keep, so that equal moments stay equal once stored."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _as_is(value: Any) -> Any:
    return value


_FIELDS = (
    Field(Part.OTHER, "platform_product_id", text(64)),
    Field(Part.OTHER, "region", _region),
    Field(Part.OTHER, "creator_id", text(255)),
    Field(Part.OTHER, "creator_name", text(64)),
    Field(Part.OTHER, "creator_username", text(255)),
    Field(Part.OTHER, "logistics_snapshot", _snapshot),
    Field(Part.OTHER, "extracted_time", _moment),
    Field(Part.SAMPLE, "platform_campaign_id", text(64)),
    # A TEXT column holds 65,535 bytes, and a character takes up to four of them.
    Field(Part.SAMPLE, "platform_campaign_name", text(16_383)),
    Field(Part.SAMPLE, "product_name", title(512)),
    Field(Part.SAMPLE, "product_sku", text(64)),
    Field(Part.SAMPLE, "status", text(32)),
    Field(Part.SAMPLE, "request_time_remaining", text(255)),
    Field(Part.SAMPLE, "stock", _count),
    Field(Part.SAMPLE, "available_sample_count", _count),
    Field(Part.SAMPLE, "is_uncooperative", _claim),
    Field(Part.SAMPLE, "is_unapprovable", _claim),
    Field(Part.SAMPLE, "is_showcase", _claim),
    Field(Part.SAMPLE, "platform_creator_display_name", text(64)),
    Field(Part.SAMPLE, "platform_creator_username", text(255)),
    Field(Part.SAMPLE, "platform_creator_id", text(32)),
    Field(Part.SAMPLE, "post_rate", Decimals(10, 4).rounded),
    Field(Part.SAMPLE, "ad_code", _as_is),
    Field(Part.PROMOTION, "type", text(32)),
    Field(Part.PROMOTION, "type_number", text(64)),
    Field(Part.PROMOTION, "promotion_name", text(255)),
    Field(Part.PROMOTION, "promotion_time", text(255)),
    Field(Part.PROMOTION, "promotion_view_count", _count),
    Field(Part.PROMOTION, "promotion_like_count", _count),
    Field(Part.PROMOTION, "promotion_comment_count", _count),
    Field(Part.PROMOTION, "promotion_order_count", _count),
    Field(Part.PROMOTION, "promotion_order_total_amount", Decimals(10, 2).exact),
    Field(Part.UNUSED, "content_summary", _as_is),
    Field(Part.UNUSED, "actions", _as_is),
    Field(Part.UNUSED, "action_details", _as_is),
    Field(Part.UNUSED, "creator_url", _as_is),
)

#: Both spellings of every known field.
FIELDS = {spelling: field for field in _FIELDS for spelling in (field.name, to_camel(field.name))}
