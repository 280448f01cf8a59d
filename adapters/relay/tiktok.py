"""TikTok's Events API 2.0: https://business-api.tiktok.com/portal/docs?id=1771101303285761.

Events by name: https://ads.tiktok.com/help/article/standard-events-parameters (CompletePayment and SubmitForm are the
older names of Purchase and Lead). Answers: https://business-api.tiktok.com/portal/docs?id=1737172488964097: the status
of HTTP is 200 also for refusals, the `code` in the body tells. One bad event fails the whole call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.relay import hashing
from adapters.relay.classify import DEFAULT_AFTER, Answer, outcome_of
from adapters.relay.consent import AD_PERSONALIZATION, AD_USER_DATA, gate, is_denied
from adapters.relay.http import Exchange, Http, body_of
from adapters.relay.mapping import event_name, fields_of
from adapters.relay.matching import browser, digests
from adapters.relay.people import person, told
from adapters.relay.port import Account, Limits, Outcome, RelayEvent, Told, Verdict
from adapters.relay.shop import Product, products, said, source_url

DEFAULT_BASE = "https://business-api.tiktok.com/open_api/v1.3"

_DONE = 0
_PARTLY = 20001
_THEIR_FAULT = range(50000, 60000)
_MEANINGS: Mapping[int, Verdict] = {
    40100: Verdict.THROTTLED,
    **dict.fromkeys((40001, 40101, 40102, 40103, 40104, 40105, 40110), Verdict.AUTH),
    40700: Verdict.TRANSIENT,  # their own validation is away
    60001: Verdict.TRANSIENT,  # maintenance
}


class TikTok:
    """Batches of web events to one pixel; the token travels in a header of its own."""

    code = "tiktok_events"
    limits = Limits(
        events_a_call=1000,  # https://business-api.tiktok.com/portal/docs?id=1771101303285761
        bytes_a_call=1_000_000,
        horizon=timedelta(hours=48),  # https://business-api.tiktok.com/portal/docs?id=1771100965992450
        freshness=timedelta(days=7),
        calls=1000,
        period=timedelta(minutes=1),
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["access_token"],
        "properties": {
            "access_token": {"type": "string", "minLength": 1},
            "pixel_code": {"type": "string", "pattern": "^[A-Za-z0-9]+$"},
            "test_event_code": {"type": "string"},
        },
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return one web event."""
        gate(event, AD_USER_DATA)
        page = {"url": source_url(event, account), "referrer": said(event, "referrer")}
        rendered = {
            "event": event_name(event, mapping),
            "event_time": int(event.event_time.timestamp()),
            "event_id": event.downstream_id,
            "user": _user(event),
            "page": {name: value for name, value in page.items() if value},
            "properties": _properties(event) | fields_of(event, mapping),
            "limited_data_use": True if is_denied(event, AD_PERSONALIZATION) else None,
        }
        return {name: value for name, value in rendered.items() if value not in (None, {})}

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one batch."""
        exchange = await self._post(account, rendered)
        outcome = _outcome(exchange.answer, len(rendered))
        return exchange.told([outcome] * len(rendered), {"data": list(rendered)}, [_token(account)])

    async def test(self, account: Account) -> Outcome:
        """Post no event at all: who may write to the pixel is told about that, and not about the token."""
        outcome = _outcome((await self._post(account, [])).answer, 1)
        return Outcome(verdict=Verdict.DELIVERED) if outcome.verdict is Verdict.PERMANENT else outcome

    async def _post(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Exchange:
        body: dict[str, Any] = {"event_source": "web", "event_source_id": _pixel(account), "data": list(rendered)}
        if code := account.credentials.get("test_event_code"):
            body["test_event_code"] = code
        # The slash at the end is part of the address: without it TikTok redirects.
        url = f"{account.base_url}/event/track/"
        return await self._http.post(url, body_of(body), headers={"Access-Token": _token(account)})


def _token(account: Account) -> str:
    return str(account.credentials.get("access_token", ""))


def _pixel(account: Account) -> str:
    return str(account.pixel_id or account.credentials.get("pixel_code") or "")


def _user(event: RelayEvent) -> dict[str, Any]:
    """Return the match keys; the city, state and country are left out, since TikTok wants them as plain text."""
    who, known, raw = person(event), digests(event), browser(event)
    keys = {
        "email": known.get("em"),
        "phone": hashing.phone(who.get("phone"), who.get("country"), plus=True),
        "external_id": known.get("external_id"),
        "first_name": known.get("fn"),
        "last_name": known.get("ln"),
        "zip_code": known.get("zp"),
        "ip": raw.get("client_ip_address"),
        "user_agent": raw.get("client_user_agent"),
        "ttclid": told(event, "ttclid"),
        "ttp": told(event, "ttp") or told(event, "_ttp"),
        "locale": told(event, "locale"),
    }
    return {name: str(value) for name, value in keys.items() if value}


def _properties(event: RelayEvent) -> dict[str, Any]:
    found: dict[str, Any] = {"order_id": said(event, "order_id"), "query": said(event, "search_term")}
    if event.value is not None and event.currency is not None:
        found |= {"currency": event.currency, "value": float(event.value)}
    if lines := products(event):
        found |= {"content_type": "product", "contents": [_content(each) for each in lines]}
    return {name: value for name, value in found.items() if value is not None}


def _content(product: Product) -> dict[str, Any]:
    found = {
        "content_id": product.id,
        "content_name": product.name,
        "content_category": product.category,
        "quantity": product.quantity,
        "price": float(product.price) if product.price is not None else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _outcome(answer: Answer, batch: int) -> Outcome:
    """Return what TikTok's own code means, where there is one; what is before TikTok answers without."""
    told_by_http = outcome_of(answer, batch=batch)
    body = answer.json()
    code = body.get("code") if isinstance(body, dict) else None
    if not isinstance(code, int):
        if answer.is_good:
            return replace(told_by_http, verdict=Verdict.UNKNOWN, reason="the answer has no code")
        return told_by_http
    if code == _DONE and answer.is_good:
        return told_by_http
    verdict = _verdict(code, batch, told_by_http.verdict)
    after = told_by_http.after or (DEFAULT_AFTER if verdict is Verdict.THROTTLED else None)
    return replace(told_by_http, verdict=verdict, reason=f"{code}: {body.get('message', '')}", after=after)


def _verdict(code: int, batch: int, by_http: Verdict) -> Verdict:
    if code in _MEANINGS:
        return _MEANINGS[code]
    if code in _THEIR_FAULT:
        return Verdict.UNKNOWN
    if by_http is not Verdict.DELIVERED:
        return by_http
    # A part of a batch was taken: sending it again in halves is safe, since a repeat is recognised by its id.
    if code == _PARTLY and batch == 1:
        return Verdict.DELIVERED
    return Verdict.PERMANENT if batch == 1 else Verdict.SPLIT
