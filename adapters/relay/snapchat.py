"""Snapchat's Conversions API, version 3: https://developers.snap.com/api/marketing-api/Conversions-API/UsingTheAPI.

What an event must have, and what is refused: …/Conversions-API/VerifySetUp; how personal data is hashed:
…/Conversions-API/Parameters; which repeats are recognised: …/Conversions-API/Deduplication.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from adapters.relay.classify import Answer, outcome_of
from adapters.relay.consent import AD_PERSONALIZATION, AD_USER_DATA, gate, is_denied
from adapters.relay.http import Exchange, Http, body_of
from adapters.relay.mapping import event_name, fields_of
from adapters.relay.matching import browser, digests
from adapters.relay.people import told
from adapters.relay.port import Account, Limits, Outcome, Refused, RelayEvent, Told, Verdict
from adapters.relay.shop import Product, amount, item_count, products, said, source_url

DEFAULT_BASE = "https://tr.snapchat.com/v3"

_PURCHASE = "PURCHASE"
_TAKEN = frozenset({"VALID", "SUCCESS", "OK"})
#: Where our producers say where it happened; an app's events need the app's own data, which no order system has.
_SOURCES = {"physical_store": "OFFLINE", "offline": "OFFLINE"}


class Snapchat:
    """Batches of web and offline events to one pixel; the token is a parameter, the only place where Snap reads it."""

    code = "snapchat_capi"
    limits = Limits(
        events_a_call=2000,
        bytes_a_call=4_000_000,
        horizon=timedelta(hours=48),  # …/Conversions-API/Deduplication; of purchases it recognises older repeats too
        freshness=timedelta(days=37),  # …/Conversions-API/Introduction
        calls=1000,
        period=timedelta(minutes=1),
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["access_token"],
        "properties": {
            "access_token": {"type": "string", "minLength": 1},
            "pixel_id": {"type": "string", "pattern": "^[A-Za-z0-9-]+$"},
        },
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return one event; what Snap would call INVALID is refused here, where it costs its batch nothing."""
        gate(event, AD_USER_DATA)
        name = event_name(event, mapping)
        if name == _PURCHASE and (event.value is None or event.currency is None):
            raise Refused("a PURCHASE needs a value and a currency")
        source = _SOURCES.get(str(told(event, "action_source")).lower(), "WEB")
        url = source_url(event, account)
        if source == "WEB" and url is None:
            raise Refused("event_source_url is required for web events")
        rendered = {
            "event_name": name,
            "event_time": int(event.event_time.timestamp()),
            "event_id": event.downstream_id,
            "action_source": source,
            "event_source_url": url,
            "user_data": _user_data(event),
            "custom_data": _custom_data(event) | fields_of(event, mapping),
            "data_processing_options": ["LMU"] if is_denied(event, AD_PERSONALIZATION) else None,
        }
        return {name: value for name, value in rendered.items() if value not in (None, {})}

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one batch. One bad event fails all of it, so a refusal of several is to be split."""
        exchange = await self._post(account, "events", rendered)
        outcome = _outcome(exchange.answer, len(rendered))
        return exchange.told([outcome] * len(rendered), {"data": list(rendered)}, _secrets(account))

    async def test(self, account: Account) -> Outcome:
        """Have a good event validated, which is not counted (…/Conversions-API/VerifySetUp)."""
        probe = {
            "event_name": "PAGE_VIEW",
            "event_time": int(datetime.now(UTC).timestamp()),
            "action_source": "WEB",
            "event_source_url": f"https://{account.domain or 'example.com'}",
            "user_data": {"client_ip_address": "192.0.2.1", "client_user_agent": "mesh-relay/1"},
        }
        outcome = _outcome((await self._post(account, "events/validate", [probe])).answer, 1)
        return replace(outcome, verdict=Verdict.CONFIG) if outcome.verdict is Verdict.PERMANENT else outcome

    async def _post(self, account: Account, path: str, rendered: Sequence[dict[str, Any]]) -> Exchange:
        return await self._http.post(
            f"{account.base_url}/{_pixel(account)}/{path}",
            body_of({"data": list(rendered)}),
            query={"access_token": _token(account)},
        )


def _token(account: Account) -> str:
    return str(account.credentials.get("access_token", ""))


def _secrets(account: Account) -> list[str]:
    """Return the token, also as an error would quote it from the address."""
    return [_token(account), quote(_token(account), safe="")]


def _pixel(account: Account) -> str:
    return str(account.pixel_id or account.credentials.get("pixel_id") or "")


def _user_data(event: RelayEvent) -> dict[str, Any]:
    """Return the match keys; raises Refused where Snap would speak of insufficient personal data."""
    known, raw = digests(event), browser(event)
    click = {"sc_click_id": told(event, "sc_click_id") or told(event, "ScCid"), "sc_cookie1": told(event, "sc_cookie1")}
    if not ({"em", "ph"} & set(known) or len(raw) == 2):  # noqa: PLR2004 -- the address and the browser
        raise Refused("user_data needs an e-mail address, a telephone number, or an IP address with a user agent")
    return (
        {name: [digest] for name, digest in known.items()}
        | raw
        | {name: str(value) for name, value in click.items() if value}
    )


def _custom_data(event: RelayEvent) -> dict[str, Any]:
    found: dict[str, Any] = {"order_id": said(event, "order_id"), "search_string": said(event, "search_term")}
    if event.value is not None and event.currency is not None:
        found |= {"currency": event.currency, "value": amount(event.value)}
    if lines := products(event):
        found |= {"contents": [_content(each) for each in lines], "num_items": str(item_count(lines))}
    return {name: value for name, value in found.items() if value is not None}


def _content(product: Product) -> dict[str, str]:
    found = {
        "id": product.id,
        "quantity": str(product.quantity) if product.quantity is not None else None,
        "item_price": amount(product.price) if product.price is not None else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _outcome(answer: Answer, batch: int) -> Outcome:
    """Return what an answer means: a status in the body that is not a good one is a refusal, whatever HTTP says."""
    told_by_http = outcome_of(answer, batch=batch)
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("status"), str):
        return told_by_http
    if told_by_http.verdict is Verdict.DELIVERED and body["status"].upper() in _TAKEN:
        return told_by_http
    reason = f"{body['status']}: {body.get('reason', '')}"
    if told_by_http.verdict is Verdict.DELIVERED:
        return replace(told_by_http, verdict=Verdict.PERMANENT if batch == 1 else Verdict.SPLIT, reason=reason)
    return replace(told_by_http, reason=reason)
