"""Stored events as adapters read them, with their money and consent."""

from typing import Any

import orjson

from adapters.relay.port import RelayEvent
from schemas.relay.items import ItemError, money
from schemas.relay.privacy import pages_without_people
from schemas.relay.records import MarketingEvent

_GRANTED = {"granted": True, "denied": False, "true": True, "false": False, "yes": True, "no": False}


def event_of(stored: MarketingEvent, downstream_id: str) -> RelayEvent:
    """Return an event as adapters read it; an amount that is none is none, and addresses of pages name nobody."""
    payload: dict[str, Any] = pages_without_people(orjson.loads(stored.event_payload))
    try:
        value, currency = money(payload)
    except ItemError:
        value, currency = None, None
    user_data = payload.get("user_data")
    return RelayEvent(
        downstream_id=downstream_id,
        storefront_code=stored.storefront_code or "",
        event_type=stored.event_type,
        event_id=stored.event_id,
        event_time=stored.event_time or stored.created_at,
        payload=payload,
        value=value,
        currency=currency,
        user_data=user_data if isinstance(user_data, dict) else {},
        consent=_consent(payload.get("consent")),
    )


def _consent(said: Any) -> dict[str, bool]:
    if not isinstance(said, dict):
        return {}
    answers = {
        name: value if isinstance(value, bool) else _GRANTED.get(str(value).lower()) for name, value in said.items()
    }
    return {name: value for name, value in answers.items() if value is not None}
