"""Pinterest's API for Conversions, version 5: https://developers.pinterest.com/docs/api/v5/events-create.

Events by name, and an answer that takes a part: https://developers.pinterest.com/docs/api-features/conversion-overview/.
Every event of a call has its own status, in order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.relay import hashing
from adapters.relay.classify import Answer, outcome_of
from adapters.relay.consent import AD_PERSONALIZATION, AD_USER_DATA, gate, is_denied
from adapters.relay.http import Exchange, Http, body_of
from adapters.relay.mapping import event_name, fields_of
from adapters.relay.matching import browser, digests
from adapters.relay.people import told
from adapters.relay.port import Account, Limits, Outcome, Refused, RelayEvent, Told, Verdict
from adapters.relay.shop import Product, amount, item_count, products, said, source_url

DEFAULT_BASE = "https://api.pinterest.com/v5"

_OFFLINE = "offline"
_SOURCES = {
    "physical_store": _OFFLINE,
    "offline": _OFFLINE,
    "app_android": "app_android",
    "app_ios": "app_ios",
}


def _recognises(rendered: Mapping[str, Any]) -> bool:
    return rendered.get("action_source") != _OFFLINE


class Pinterest:
    """Batches of events to one ad account."""

    code = "pinterest_capi"
    limits = Limits(
        events_a_call=1000,
        bytes_a_call=2_000_000,
        horizon=timedelta(hours=24),  # repeats of an event_id are recognised on the same day
        freshness=timedelta(days=7),
        calls=5000,  # https://developers.pinterest.com/docs/api/v5/events-create
        period=timedelta(minutes=1),
        recognises=_recognises,  # …/conversion-overview: of offline events it recognises no repeat
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["access_token"],
        "properties": {
            "access_token": {"type": "string", "minLength": 1},
            "ad_account_id": {"type": "string", "pattern": "^[0-9]{1,18}$"},
        },
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return one event; raises Refused where Pinterest would fail it."""
        gate(event, AD_USER_DATA)
        rendered = {
            "event_name": event_name(event, mapping),
            "action_source": _SOURCES.get(str(told(event, "action_source")).lower(), "web"),
            "event_time": int(event.event_time.timestamp()),
            "event_id": event.downstream_id,
            "event_source_url": source_url(event, account),
            "opt_out": True if is_denied(event, AD_PERSONALIZATION) else None,
            "user_data": _user_data(event),
            "custom_data": _custom_data(event) | fields_of(event, mapping),
        }
        return {name: value for name, value in rendered.items() if value not in (None, {})}

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one batch; each event has its own outcome."""
        exchange = await self._post(account, rendered)
        outcomes = _outcomes(exchange.answer, len(rendered))
        return exchange.told(outcomes, {"data": list(rendered)}, [_token(account)])

    async def test(self, account: Account) -> Outcome:
        """Send a good event as a test, which is not recorded."""
        probe = {
            "event_name": "page_visit",
            "action_source": "web",
            "event_time": int(datetime.now(UTC).timestamp()),
            "event_id": "mesh_probe",
            "user_data": {"client_ip_address": "192.0.2.1", "client_user_agent": "mesh-relay/1"},
        }
        (outcome,) = _outcomes((await self._post(account, [probe], query={"test": "true"})).answer, 1)
        return replace(outcome, verdict=Verdict.CONFIG) if outcome.verdict is Verdict.PERMANENT else outcome

    async def _post(
        self, account: Account, rendered: Sequence[dict[str, Any]], query: Mapping[str, str] | None = None
    ) -> Exchange:
        return await self._http.post(
            f"{account.base_url}/ad_accounts/{_ad_account(account)}/events",
            body_of({"data": list(rendered)}),
            headers={"Authorization": f"Bearer {_token(account)}"},
            query=query,
        )


def _token(account: Account) -> str:
    return str(account.credentials.get("access_token", ""))


def _ad_account(account: Account) -> str:
    return str(account.account_id or account.credentials.get("ad_account_id") or "")


def _user_data(event: RelayEvent) -> dict[str, Any]:
    """Return the match keys; raises Refused where none of the three is there of which Pinterest needs one."""
    known, raw = digests(event, genders="fmn"), browser(event)
    maid = _digest(told(event, "hashed_maid"))
    if not ("em" in known or maid or len(raw) == 2):  # noqa: PLR2004 -- the address and the browser
        raise Refused("user_data needs an e-mail address, an advertising id, or an IP address with a user agent")
    click = told(event, "click_id") or told(event, "epik") or told(event, "_epik")
    return (
        {name: [digest] for name, digest in known.items()}
        | ({"hashed_maids": [maid]} if maid else {})
        | raw
        | ({"click_id": str(click)} if click else {})
    )


def _digest(value: Any) -> str | None:
    """Return an advertising id where it comes as a digest; a plain one is written in too many ways to hash it here."""
    text = str(value).strip().lower()
    return text if hashing.is_hashed(text) else None


def _custom_data(event: RelayEvent) -> dict[str, Any]:
    found: dict[str, Any] = {"order_id": said(event, "order_id"), "search_string": said(event, "search_term")}
    if event.value is not None and event.currency is not None:
        found |= {"currency": event.currency, "value": amount(event.value)}
    if lines := products(event):
        found |= {
            "content_ids": [each.id for each in lines],
            "contents": [_content(each) for each in lines],
            "num_items": item_count(lines),
        }
    return {name: value for name, value in found.items() if value is not None}


def _content(product: Product) -> dict[str, Any]:
    found = {
        "id": product.id,
        "quantity": product.quantity,
        "item_price": amount(product.price) if product.price is not None else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _outcomes(answer: Answer, batch: int) -> list[Outcome]:
    told_by_http = outcome_of(answer, batch=batch)
    body = answer.json()
    told_by_body = _counted(body)
    if answer.is_good and told_by_body is None:
        return [replace(told_by_http, verdict=Verdict.UNKNOWN, reason="the answer counts no events")] * batch
    if told_by_body is None:
        return [_named(told_by_http, body)] * batch
    events = told_by_body.get("events")
    if isinstance(events, list) and len(events) == batch:
        return [_of_event(each, answer.status) for each in events]
    counts = (told_by_body["num_events_received"], told_by_body["num_events_processed"])
    if counts == (batch, batch):
        return [Outcome(verdict=Verdict.DELIVERED, status=answer.status)] * batch
    reason = f"{counts[1]} of {batch} events processed"
    return [replace(told_by_http, verdict=Verdict.PERMANENT if batch == 1 else Verdict.SPLIT, reason=reason)] * batch


def _counted(body: Any) -> dict[str, Any] | None:
    """Return the part of an answer that counts events: all of it, or the details of an error (422)."""
    for part in (body, body.get("details")) if isinstance(body, dict) else ():
        if isinstance(part, dict) and "num_events_received" in part and "num_events_processed" in part:
            return part
    return None


def _of_event(result: Any, status: int | None) -> Outcome:
    if not isinstance(result, dict):
        result = {}
    if result.get("status") == "processed":
        warning = result.get("warning_message")
        return Outcome(verdict=Verdict.DELIVERED, reason=str(warning) if warning else None, status=status)
    return Outcome(verdict=Verdict.PERMANENT, reason=str(result.get("error_message") or "failed"), status=status)


def _named(outcome: Outcome, body: Any) -> Outcome:
    if isinstance(body, dict) and "message" in body:
        return replace(outcome, reason=f"{body.get('code')}: {body['message']}")
    return outcome
