"""Reading answers of calls whose fields may be missing, empty, or of another type than yesterday."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from schemas.plain_json import MAX_DEPTH, TooDeepError, clean

#: Spans from here on are milliseconds: as seconds they would be months.
_MILLISECONDS_FROM = 10_000_000
_DAY, _HOUR = 86_400, 3_600
#: A field is in a row, in a list, in a message.
_LEVELS_AROUND = 3


def part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an object within an object; an empty one where there is none."""
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def text(value: Any) -> str | None:
    """Return a value as trimmed text; None for nothing."""
    if value is None or isinstance(value, Mapping | list):
        return None
    return str(value).strip() or None


def identity(value: Any) -> str | None:
    """Return an id as text; of one that is all digits, without leading zeros."""
    found = text(value)
    if found and found.isdecimal():
        return found.lstrip("0") or None
    return found


def first_number(value: Any) -> str | None:
    """Return the first number in a text as the page writes it: "54.3% of 10" is "54.3"."""
    found = re.search(r"-?\d[\d,.]*", text(value) or "")
    return found[0].rstrip(".,") if found else None


def remaining(span: Any) -> str | None:
    """Return a span in seconds, or in milliseconds from ten million on, as "2 days" or "5 hours"; other text as is."""
    if isinstance(span, bool) or span is None:
        return None
    try:
        seconds = float(span)
    except (TypeError, ValueError):
        return text(span)
    seconds = seconds / 1000 if abs(seconds) >= _MILLISECONDS_FROM else seconds
    if seconds <= 0:
        return "0 hours"
    if seconds >= _DAY:
        days = int(seconds // _DAY)
        return f"{days} day{'s' if days > 1 else ''}"
    hours = max(int(seconds // _HOUR), 1)
    return f"{hours} hour{'s' if hours > 1 else ''}"


def storable(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as every database takes it: half characters mended, and without what is nested too deeply."""
    kept: dict[str, Any] = {}
    for name, value in row.items():
        with suppress(TooDeepError):
            kept[name] = clean(value, MAX_DEPTH - _LEVELS_AROUND)
    return kept


def without_nothing(row: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is None: an absent field erases nothing, and what was not seen is not known to be empty."""
    return {name: value for name, value in row.items() if value is not None}
