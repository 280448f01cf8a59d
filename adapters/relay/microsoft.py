"""Microsoft Advertising's UET Conversions API: https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration.

The token is the tag's own, from its settings; it is no token of the Microsoft Advertising API.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.relay import hashing
from adapters.relay.classify import Answer, outcome_of
from adapters.relay.consent import AD_USER_DATA, gate
from adapters.relay.http import Exchange, Http, body_of
from adapters.relay.mapping import event_name, fields_of
from adapters.relay.matching import browser
from adapters.relay.people import person, told
from adapters.relay.port import Account, Limits, Outcome, Refused, RelayEvent, Told, Verdict

DEFAULT_BASE = "https://capi.uet.microsoft.com/v1"

#: The mapping's name for an event of the other kind: a page that was loaded.
PAGE_LOAD = "pageLoad"
_AD_STORAGE = "ad_storage"
#: 32 hex digits, with or without the dashes of a UUID.
_CLICK = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


class Microsoft:
    """Batches of events of one UET tag. A batch with a bad event is refused; its answer names the bad ones."""

    code = "microsoft_ads"
    limits = Limits(
        events_a_call=1000,
        bytes_a_call=1_000_000,  # as partners cut: https://docs.tealium.com/server-side-connectors/microsoft-uet-conversion-api-connector
        horizon=timedelta(hours=48),  # the window of eventId is not published; two days, as its peers have
        freshness=timedelta(days=7),
        calls=600,  # none is published
        period=timedelta(minutes=1),
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["access_token"],
        "properties": {
            "access_token": {"type": "string", "minLength": 1, "description": "the tag's Conversions API token"},
            "tag_id": {"type": "string", "pattern": "^[0-9]+$"},
            "client_id": {"type": "string"},
            "client_secret": {"type": "string"},
            "refresh_token": {"type": "string"},
            "customer_id": {"type": "string"},
            "account_id": {"type": "string"},
        },
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return one event: a page that was loaded, or a custom event by the mapping's name."""
        gate(event, AD_USER_DATA)
        name = event_name(event, mapping)
        is_page = name == PAGE_LOAD
        user = _user_data(event)
        if not user:
            raise Refused("userData has nothing that identifies a person")
        home = f"https://{account.domain}" if account.domain else None
        url = _text(event, "event_source_url") or home
        if is_page and url is None:
            raise Refused("a pageLoad needs event_source_url")
        rendered = {
            "eventType": PAGE_LOAD if is_page else "custom",
            "eventId": event.downstream_id,
            "eventName": None if is_page else name,
            "eventTime": int(event.event_time.timestamp()),
            "eventSourceUrl": url,
            "referrerUrl": _text(event, "referrer_url"),
            "adStorageConsent": {True: "G", False: "D"}.get(event.consent.get(_AD_STORAGE)),  # type: ignore[arg-type]
            "userData": user,
            "customData": None if is_page else _custom_data(event) | fields_of(event, mapping),
        }
        return {name: value for name, value in rendered.items() if value not in (None, {})}

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one batch; the events that its answer names are bad, the others may be sent again without them."""
        exchange = await self._post(account, rendered)
        return exchange.told(_outcomes(exchange.answer, len(rendered)), {"data": list(rendered)}, [_token(account)])

    async def test(self, account: Account) -> Outcome:
        """Post no event at all: a token of this tag is told about that, and not about the token."""
        outcome = outcome_of((await self._post(account, [])).answer)
        return Outcome(verdict=Verdict.DELIVERED) if outcome.verdict is Verdict.PERMANENT else outcome

    async def _post(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Exchange:
        tag = account.pixel_id or account.credentials.get("tag_id") or ""
        body = {"data": list(rendered), "dataProvider": "mesh", "continueOnValidationError": False}
        headers = {"authorization": f"Bearer {_token(account)}"}
        return await self._http.post(f"{account.base_url}/{tag}/events", body_of(body), headers=headers)


def _token(account: Account) -> str:
    return str(account.credentials.get("access_token") or "")


def _user_data(event: RelayEvent) -> dict[str, Any]:
    """Return who it was: hashed where Microsoft wants hashes, raw where it forbids them."""
    who = person(event)
    click = told(event, "msclkid")
    known = {
        "em": _email(who.get("email")),
        "ph": hashing.phone(who.get("phone"), who.get("country"), plus=True),
        "msclkid": click if click and _CLICK.fullmatch(str(click)) else None,
        "anonymousId": told(event, "anonymous_id"),
        "externalId": who.get("external_id"),
    }
    found = {name: str(value) for name, value in known.items() if value}
    if not found:
        return {}
    seen = browser(event)
    beside = {"clientIpAddress": "client_ip_address", "clientUserAgent": "client_user_agent"}
    return found | {theirs: seen[ours] for theirs, ours in beside.items() if ours in seen}


def _email(value: Any) -> str | None:
    """Return the digest of an address as Microsoft has it: before the @, no dots and nothing from a plus on."""
    text = str(value or "").strip().lower()
    local, at, domain = text.rpartition("@")
    return hashing.email(f"{local.partition('+')[0].replace('.', '')}@{domain}" if at else text)


def _custom_data(event: RelayEvent) -> dict[str, Any]:
    custom: dict[str, Any] = {
        "transactionId": _text(event, "transaction_id") or _text(event, "order_id"),
        "searchTerm": _text(event, "search_term"),
    }
    if event.value is not None and event.currency is not None:
        custom |= {"value": float(event.value), "currency": event.currency}
    return {name: value for name, value in custom.items() if value is not None}


def _text(event: RelayEvent, name: str) -> str | None:
    value = told(event, name)
    return None if value is None else str(value)


def _outcomes(answer: Answer, batch: int) -> list[Outcome]:
    outcome = outcome_of(answer, batch=batch)
    body = answer.json()
    bad = _named(body, batch)
    if bad and (answer.is_good or outcome.verdict in {Verdict.SPLIT, Verdict.PERMANENT}):
        return [_judged(outcome, bad.get(at)) for at in range(batch)]
    if answer.is_good and answer.body and not isinstance(body, dict):
        return [replace(outcome, verdict=Verdict.UNKNOWN, reason=f"{answer.status}, but not in JSON")] * batch
    received = body.get("eventsReceived") if isinstance(body, dict) else None
    if answer.is_good and received is not None and received != batch:
        return [replace(outcome, verdict=Verdict.UNKNOWN, reason=f"{received} of {batch} events received")] * batch
    return [outcome] * batch


def _judged(outcome: Outcome, problem: str | None) -> Outcome:
    return outcome if problem is None else replace(outcome, verdict=Verdict.PERMANENT, reason=problem)


def _named(body: Any, batch: int) -> dict[int, str]:
    """Return what is wrong with each event that an answer names by its place in the batch; warnings are no errors."""
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    found: dict[int, str] = {}
    for each in details if isinstance(details, list) else ():
        at = each.get("index") if isinstance(each, dict) and not each.get("isWarning") else None
        if isinstance(at, int) and 0 <= at < batch:
            said = f"{each.get('errorCode')}: {each.get('propertyName')}: {each.get('errorMessage')}"
            found[at] = f"{found[at]}; {said}"[:500] if at in found else said[:500]
    return found
