"""Reddit's Conversions API, version 3: https://ads-api.reddit.com/docs/v3/operations/Post%20Conversion%20Events.

Match keys and how they are hashed, limits and errors: the same site's guide to a direct integration.
A call with a bad event is refused as a whole, and says how many are bad, not which.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.relay import hashing
from adapters.relay.classify import Answer, outcome_of
from adapters.relay.consent import AD_PERSONALIZATION, AD_USER_DATA, gate, is_denied
from adapters.relay.http import Exchange, Http, body_of
from adapters.relay.mapping import event_name, fields_of
from adapters.relay.matching import browser, digests
from adapters.relay.people import person, told
from adapters.relay.port import Account, Limits, Outcome, Refused, RelayEvent, Told, Verdict
from adapters.relay.shop import Product, item_count, products, source_url

DEFAULT_BASE = "https://ads-api.reddit.com/api/v3"

TRACKING_TYPES = frozenset(
    {"ADD_TO_CART", "ADD_TO_WISHLIST", "LEAD", "PAGE_VISIT", "PURCHASE", "SEARCH", "SIGN_UP", "VIEW_CONTENT"}
)
_CUSTOM_NAME = 64
_SOURCES = {"physical_store": "PHYSICAL_STORE", "offline": "PHYSICAL_STORE", "app": "APP", "other": "OTHER"}
_PROCESSED = re.compile(r"processed (\d+) conversion", re.IGNORECASE)


class Reddit:
    """Batches of events to one pixel."""

    code = "reddit_capi"
    limits = Limits(
        events_a_call=1000,
        bytes_a_call=1_000_000,
        horizon=timedelta(days=2),  # a repeat must come within two days to be recognised
        freshness=timedelta(days=7),
        calls=10,  # 1,000 calls but only 10,000 events a second
        period=timedelta(seconds=1),
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["access_token"],
        "properties": {
            "access_token": {"type": "string", "minLength": 1},
            "pixel_id": {"type": "string", "pattern": "^[A-Za-z0-9_]+$"},
            "test_id": {"type": "string"},
        },
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return one conversion event; one that nobody could be found by is refused."""
        gate(event, AD_USER_DATA)
        click = told(event, "click_id") or told(event, "rdt_cid")
        user = _user(event)
        if not click and not {"email", "phone_number", "external_id", "uuid", "ip_address"} & set(user):
            raise Refused("neither click_id nor user has a match key")
        source = _SOURCES.get(str(told(event, "action_source")).lower(), "WEBSITE")
        if is_denied(event, AD_PERSONALIZATION):
            user["data_processing_options"] = {"modes": ["LDU"]}
        rendered = {
            "event_at": int(event.event_time.timestamp() * 1000),
            "action_source": source,
            "event_source_url": source_url(event, account) if source == "WEBSITE" else None,
            "type": _type(event_name(event, mapping)),
            "click_id": str(click) if click else None,
            "user": user,
            "metadata": _metadata(event) | fields_of(event, mapping),
        }
        return {name: value for name, value in rendered.items() if value not in (None, {})}

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one batch."""
        exchange = await self._post(account, rendered)
        outcome = _outcome(exchange.answer, len(rendered))
        return exchange.told([outcome] * len(rendered), {"data": {"events": list(rendered)}}, [_token(account)])

    async def test(self, account: Account) -> Outcome:
        """Post no event at all: who may write to the pixel is told about that, and not about the token."""
        outcome = _outcome((await self._post(account, [])).answer, 0)
        refused = {Verdict.PERMANENT, Verdict.SPLIT}
        return Outcome(verdict=Verdict.DELIVERED) if outcome.verdict in refused else outcome

    async def _post(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Exchange:
        data: dict[str, Any] = {"events": list(rendered)}
        if test_id := account.credentials.get("test_id"):
            data["test_id"] = test_id
        return await self._http.post(
            f"{account.base_url}/pixels/{_pixel(account)}/conversion_events",
            body_of({"data": data}),
            headers={"Authorization": f"Bearer {_token(account)}"},
        )


def email(value: Any) -> str | None:
    """Return the digest of an address as Reddit wants it: of its name, letters and digits before the first +.

    Al.ice$+Apple@Example.Com and alice@example.com are the same (the guide's example).
    """
    text = str(value).strip().lower() if value is not None else ""
    name, at, domain = text.rpartition("@")
    if not at:
        return hashing.email(text)
    kept = re.sub("[^a-z0-9]", "", name.partition("+")[0])
    return hashing.hashed(f"{kept}@{domain}") if kept else None


def _token(account: Account) -> str:
    return str(account.credentials.get("access_token", ""))


def _pixel(account: Account) -> str:
    return str(account.pixel_id or account.credentials.get("pixel_id") or "")


def _type(name: str) -> dict[str, str]:
    """Return a standard event, or a custom one of that name."""
    if name in TRACKING_TYPES:
        return {"tracking_type": name}
    return {"tracking_type": "CUSTOM", "custom_event_name": name[:_CUSTOM_NAME]}


def _user(event: RelayEvent) -> dict[str, Any]:
    who, raw = person(event), browser(event)
    keys = {
        "email": email(who.get("email")),
        "phone_number": hashing.phone(who.get("phone"), who.get("country"), plus=True),
        "external_id": digests(event).get("external_id"),
        "uuid": told(event, "rdt_uuid") or told(event, "_rdt_uuid"),
        "ip_address": raw.get("client_ip_address"),
        "user_agent": raw.get("client_user_agent"),
    }
    return {name: str(value) for name, value in keys.items() if value}


def _metadata(event: RelayEvent) -> dict[str, Any]:
    found: dict[str, Any] = {"conversion_id": event.downstream_id}
    if event.value is not None and event.currency is not None:
        found |= {"currency": event.currency, "value": float(event.value)}
    if lines := products(event):
        found |= {"item_count": item_count(lines), "products": [_product(each) for each in lines]}
    return found


def _product(product: Product) -> dict[str, Any]:
    said = {
        "id": product.id,
        "name": product.name,
        "category": product.category,
        "quantity": product.quantity,
        "item_price": float(product.price) if product.price is not None else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _outcome(answer: Answer, batch: int) -> Outcome:
    told_by_http = outcome_of(answer, batch=batch)
    body = answer.json()
    if answer.is_good:
        data = body.get("data") if isinstance(body, dict) else None
        said = str(data.get("message", "")) if isinstance(data, dict) else answer.text[:500]
        counted = _PROCESSED.search(said)
        if counted is not None and int(counted[1]) == batch:
            return told_by_http
        return replace(told_by_http, verdict=Verdict.UNKNOWN, reason=f"of {batch} events it says: {said}")
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict) and "message" in error:
        return replace(told_by_http, reason=f"{error.get('code', answer.status)}: {error['message']}")
    return told_by_http
