"""One item of a page of marketing events: read leniently, refused by field and reason."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from schemas import plain_json
from schemas.relay.records import EventIdentity

#: Widths of the columns.
_CODE, _NAME, _ID = 50, 50, 100
#: Larger than any order with its items; a text column would end at 64 KB, ours does not, but a platform's call does.
MAX_ITEM_BYTES: Final = 64 * 1024
#: A producer's clock may be ahead by this much. Events that are older than a destination takes are its own matter.
MAX_AHEAD: Final = timedelta(hours=24)
#: Moments before this are counters or mistakes.
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)

#: What an identity is read from, beside `order_id` where that is the event's id.
_NAMES_IDENTITY: Final = frozenset({"storefront_id", "event_name", "event_id"})
_CODE_SHAPE = re.compile(r"[a-z0-9_-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: Epoch numbers from here on count milliseconds: as seconds they would lie beyond the year 5100.
_FIRST_MILLISECONDS = 10**11
_CURRENCY = re.compile(r"[A-Z]{3}")
#: 15 digits before the point are more than any order; beyond, a float has lost digits.
_LARGEST_VALUE = Decimal(10) ** 15


class ItemError(ValueError):
    """An item cannot be taken: `field` is spelled as it was sent, `reason` goes on from it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class EventItem:
    """One event as its producer sent it, read.

    `payload` is everything that was sent, cleaned, and `text` its JSON; `content_hash` is the hex SHA-256 of its
    canonical JSON, less what the identity says already: in which spelling that came makes no other content.
    """

    identity: EventIdentity
    event_time: datetime
    payload: dict[str, Any]
    text: str
    content_hash: str


def event_id_of(raw: Any) -> str | None:
    """Return how an item that was refused may be called: what it says its order is, cut."""
    if not isinstance(raw, dict):
        return None
    value = raw.get("event_id") or raw.get("order_id")
    return str(plain_json.clean(value))[:_ID] if isinstance(value, str | int) else None


def parse_item(raw: Any, now: datetime, written_at: datetime | None = None) -> EventItem:
    """Read one item, or raise `ItemError`; depends on nothing but its arguments.

    An item that names no time happened when it was written, where that is known.
    """
    if not isinstance(raw, dict):
        raise ItemError("item", "is not an object")
    _check_value(raw.get("order_revenue"), "order_revenue")
    _check_value(raw.get("value"), "value")
    payload, text = _plain(raw)
    identity = EventIdentity(
        storefront_code(payload.get("storefront_id")), event_type(payload.get("event_name")), _event_id(payload)
    )
    said = payload.get("event_time")
    return EventItem(
        identity=identity,
        event_time=written_at if written_at is not None and said in (None, "") else event_time(said, now),
        payload=payload,
        text=text.decode(),
        content_hash=_content_hash(payload, identity),
    )


def storefront_code(value: Any) -> str:
    """Return a storefront's code: trimmed, lower case, ASCII letters, digits, hyphen and underscore."""
    return _code(_text(value, "storefront_id", _CODE))


@lru_cache(maxsize=4096)  # a page is of few storefronts
def _code(text: str) -> str:
    code = text.lower()
    # Some letters become ASCII in lower case, as the sign of the kelvin does.
    if not text.isascii() or not _CODE_SHAPE.fullmatch(code):
        raise ItemError("storefront_id", "may have ASCII letters, digits, - and _ only")
    return code


def event_type(value: Any) -> str:
    """Return an event's name as it is compared: trimmed, lower case."""
    name = _text(value, "event_name", _NAME).lower()
    return name if name.isascii() else _text(name, "event_name", _NAME)  # some other letters are two in lower case


def event_time(value: Any, now: datetime) -> datetime:
    """Return when an event happened, in UTC: ISO 8601 (UTC where it names no zone), a date, or an epoch number."""
    moment = _moment(value)
    if moment < EARLIEST:
        raise ItemError("event_time", f"is before {EARLIEST.year}")
    if moment > now + MAX_AHEAD:
        raise ItemError("event_time", "is in the future")
    return moment


def money(payload: dict[str, Any]) -> tuple[Decimal | None, str | None]:
    """Return an event's exact value and its currency (ISO 4217), as far as it says them; a refund is negative."""
    value = None
    for name in ("value", "order_revenue"):
        if payload.get(name) not in (None, ""):
            value = _decimal(payload[name], name)
            break
    currency = str(payload.get("currency") or "").strip().upper()
    return value, currency if _CURRENCY.fullmatch(currency) else None


def _plain(raw: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return the item as every database can store it, and its JSON."""
    payload, text = _cleaned(_named(raw))
    if len(text) > MAX_ITEM_BYTES:
        raise ItemError("item", f"is larger than {MAX_ITEM_BYTES} bytes")
    return payload, text


def _named(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a copy in which fields are called as we call them."""
    payload = dict(raw)
    if "t-value" in payload:
        payload.setdefault("t_value", payload.pop("t-value"))
    return payload


def _cleaned(payload: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return what is clean, and its JSON, which is written once; nearly all items are clean as they come."""
    try:
        text = plain_json.canonical(payload)
        if plain_json.is_clean(payload, text):
            return payload, text
    except TypeError:
        pass  # what cannot be written as it is, is cleaned
    try:
        cleaned = _named(plain_json.clean({str(name): value for name, value in payload.items()}))
    except plain_json.TooDeepError as error:
        raise ItemError("item", str(error)) from error
    return cleaned, plain_json.canonical(cleaned)


def _content_hash(payload: dict[str, Any], identity: EventIdentity) -> str:
    """Return the digest of what an event says beyond who it is."""
    said = {name: value for name, value in payload.items() if name not in _NAMES_IDENTITY}
    if str(said.get("order_id", "")).strip() == identity.event_id:
        del said["order_id"]
    return sha256(plain_json.canonical(said)).hexdigest()


def _event_id(payload: dict[str, Any]) -> str:
    name = "event_id" if payload.get("event_id") not in (None, "") else "order_id"
    return _text(payload.get(name), name, _ID)


def _text(value: Any, field: str, limit: int) -> str:
    """Read trimmed, non-empty text without control characters; ids may come as whole numbers."""
    said = value if isinstance(value, str) else _written(value, field)
    text = said.strip()
    if not text:
        raise ItemError(field, "is empty")
    if len(text) > limit:
        raise ItemError(field, f"is longer than {limit} characters")
    if _CONTROL.search(text):
        raise ItemError(field, "contains control characters")
    return text


def _written(value: Any, field: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    raise ItemError(field, "is missing" if value is None else "is not text")


def _moment(value: Any) -> datetime:
    if value in (None, ""):
        raise ItemError("event_time", "is missing")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ItemError("event_time", "is not a time")
    try:
        if isinstance(value, int | float):
            seconds = value / 1000 if value >= _FIRST_MILLISECONDS else value
            return datetime.fromtimestamp(seconds, UTC)
        # A date alone is its first moment.
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ItemError("event_time", "is not a time in ISO 8601") from error


def _check_value(value: Any, field: str) -> None:
    """Refuse an amount that is none, before the cleaning of JSON would turn NaN into null."""
    if value not in (None, ""):
        _decimal(value, field)


def _decimal(value: Any, field: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ItemError(field, "is not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ItemError(field, "is not a finite number")
    try:
        # Of whole numbers beyond some thousand digits Python makes no text.
        amount = Decimal(value) if isinstance(value, int) else Decimal(str(value).strip())
    except InvalidOperation as error:
        raise ItemError(field, "is not a number") from error
    if not amount.is_finite():
        raise ItemError(field, "is not a finite number")
    if abs(amount) >= _LARGEST_VALUE:
        raise ItemError(field, "is too large")
    return amount
