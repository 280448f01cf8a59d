"""The content summary of a sample: what was published for it and how its parcel travels."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from schemas.plain_json import canonical
from schemas.samples.rows import Promotion, SampleRow

Entry = dict[str, Any]

#: A summary is one JSON value in one packet to the database, which takes 16 MB by default. A busy sample's is 100 kB.
MAX_BYTES = 4_000_000


def summary_of(row: SampleRow) -> list[Entry]:
    """Return the entries of one row, none if it tells of no content and no parcel."""
    promotion = row.promotion
    tells_of_content = promotion.type or any(promotion[2:])  # the number of the tab alone tells of nothing
    entries = [_promotion(promotion)] if tells_of_content else []
    if row.logistics:
        entries += _logistics(row.logistics)
    return entries


def united(summaries: Iterable[list[Entry]]) -> list[Entry]:
    """Return the entries of all summaries in order, each once, up to `MAX_BYTES`; a blank one if there are none."""
    entries = [entry for summary in summaries for entry in summary]
    if len(entries) == 1:
        return entries
    seen: dict[bytes, Entry] = {}
    room = MAX_BYTES
    for entry in entries:
        text = canonical(entry)
        if text in seen or entry == BLANK:
            continue
        room -= len(text)
        if room < 0:
            break
        seen[text] = entry
    return list(seen.values()) or [BLANK.copy()]


BLANK: Entry = {
    "type": "",
    "type_number": "",
    "promotion_name": "",
    "promotion_time": "",
    "promotion_view_count": None,
    "promotion_like_count": None,
    "promotion_comment_count": None,
    "promotion_order_count": None,
    "promotion_order_total_amount": None,
    "logistics_snapshot": None,
}


def _promotion(promotion: Promotion) -> Entry:
    amount = promotion.promotion_order_total_amount
    return {
        "type": promotion.type or "",
        "type_number": promotion.type_number or "",
        "promotion_name": promotion.promotion_name or "",
        "promotion_time": promotion.promotion_time or "",
        "promotion_view_count": promotion.promotion_view_count,
        "promotion_like_count": promotion.promotion_like_count,
        "promotion_comment_count": promotion.promotion_comment_count,
        "promotion_order_count": promotion.promotion_order_count,
        "promotion_order_total_amount": None if amount is None else _digits(amount),
        "logistics_snapshot": None,
    }


def _digits(amount: Decimal) -> str:
    """Write an amount without an exponent, every digit kept: 1500 stays 1500."""
    return f"{amount:f}"


def _logistics(snapshot: dict[str, Any]) -> list[Entry]:
    pairs = [_pair(info) for info in _list(snapshot, "basic_info") if isinstance(info, dict)]
    label = ", ".join(pair for pair in pairs if pair)
    events = _list(snapshot, "timeline")
    if not events and not pairs and not snapshot.get("raw_text"):
        return []
    if not events:
        return [_travel(snapshot, len(pairs), label or "View logistics", "")]
    return [_event(snapshot, len(events), event, label or "Logistics update") for event in events]


def _event(snapshot: dict[str, Any], number: int, event: Any, otherwise: str) -> Entry:
    facts = event if isinstance(event, dict) else {"title": event}
    name = _text(facts.get("title")) or _text(facts.get("status")) or otherwise
    return _travel(snapshot, number, name, _text(facts.get("time")))


def _travel(snapshot: dict[str, Any], number: int, name: str, time: str) -> Entry:
    return {
        **BLANK,
        "type": "logistics",
        "type_number": str(number),
        "promotion_name": name,
        "promotion_time": time,
        "logistics_snapshot": snapshot,
    }


def _pair(info: dict[str, Any]) -> str:
    return ": ".join(part for part in (_text(info.get("label")), _text(info.get("value"))) if part)


def _list(snapshot: dict[str, Any], name: str) -> list[Any]:
    value = snapshot.get(name)
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    if type(value) is str:
        return value.strip()
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()
