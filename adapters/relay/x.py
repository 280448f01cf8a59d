"""X's Conversion API: https://docs.x.com/x-ads-api/measurement/web-conversions.

Errors, field by field, are on the same page; rate limits: https://docs.x.com/x-ads-api/fundamentals/rate-limiting.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

from adapters.relay import hashing
from adapters.relay.classify import LONGEST_AFTER, Answer, outcome_of
from adapters.relay.consent import AD_USER_DATA, gate
from adapters.relay.conversions import conversion_of, short
from adapters.relay.http import Exchange, Http, body_of
from adapters.relay.mapping import fields_of
from adapters.relay.matching import browser
from adapters.relay.oauth1 import Signer
from adapters.relay.people import ipv4, person, told
from adapters.relay.port import Account, Limits, Outcome, Refused, RelayEvent, Told, Verdict

#: …/x-ads-api/fundamentals/versioning
DEFAULT_BASE = "https://ads-api.x.com/12"

_EVENT = re.compile(r"tw-[0-9a-z]+-[0-9a-z]+")
_SECRETS = ("consumer_secret", "access_token", "access_token_secret", "consumer_key")
#: When the window of an account ends, in seconds of the Unix clock.
_RESETS = ("x-account-rate-limit-reset", "x-rate-limit-reset")


class X:
    """Batches of conversions of one pixel, each request signed; one bad conversion fails all of its request."""

    code = "twitter_capi"
    limits = Limits(
        events_a_call=500,
        bytes_a_call=1_000_000,  # none is published; 500 conversions with all their fields are below
        horizon=timedelta(hours=48),  # …/web-conversions#duplication-between-pixel-and-conversion-api
        freshness=timedelta(days=90),  # the longest attribution window that an event can have
        calls=60_000,  # 100,000 calls are allowed, and on the same page 60,000 events: even with one a call it holds
        period=timedelta(minutes=15),
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["consumer_key", "consumer_secret", "access_token", "access_token_secret"],
        "properties": {
            **{name: {"type": "string", "minLength": 1} for name in _SECRETS},
            "pixel_id": {"type": "string", "pattern": "^[0-9a-z]+$"},
            "event_id": {
                "type": "string",
                "pattern": "^(tw-[0-9a-z]+-)?[0-9a-z]+$",
                "description": "that of purchases",
            },
            "events": {
                "type": "object",
                "description": "the event of each name that the mapping gives, as in SIGN_UP: tw-o8z6j-o87ne",
                "additionalProperties": {"type": "string", "pattern": "^(tw-[0-9a-z]+-)?[0-9a-z]+$"},
            },
        },
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return one conversion."""
        gate(event, AD_USER_DATA)
        rendered: dict[str, Any] = {
            "conversion_time": _time(event),
            "event_id": conversion_of(event, account, mapping, _EVENT, ("events", "event_id")),
            "identifiers": _identifiers(event),
            "conversion_id": short(event.downstream_id),
        }
        if event.value is not None and event.currency is not None:
            rendered |= {"value": format(event.value, "f"), "price_currency": event.currency}
        items = event.payload.get("items") or event.payload.get("contents")
        if isinstance(items, list) and items:
            rendered |= {"number_items": len(items)}
        return rendered | fields_of(event, mapping)

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one request; where it is refused, nothing of it was taken, and it does not say for which conversion."""
        exchange = await self._post(account, rendered)
        secrets = [str(account.credentials.get(name) or "") for name in _SECRETS]
        return exchange.told(
            [_outcome(exchange.answer, len(rendered))] * len(rendered), {"conversions": list(rendered)}, secrets
        )

    async def test(self, account: Account) -> Outcome:
        """Post no conversion at all: a signature that is right is told about that, and not about the signature."""
        outcome = _outcome((await self._post(account, [])).answer, 1)
        is_known = outcome.verdict is Verdict.PERMANENT or outcome.status == 200  # noqa: PLR2004 -- RFC 9110, 15.3.1
        return Outcome(verdict=Verdict.DELIVERED) if is_known else outcome

    async def _post(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Exchange:
        url = f"{account.base_url}/measurement/conversions/{_pixel(account)}"
        told_by = account.credentials
        signer = Signer(
            consumer_key=str(told_by.get("consumer_key") or ""),
            consumer_secret=str(told_by.get("consumer_secret") or ""),
            token=str(told_by.get("access_token") or ""),
            token_secret=str(told_by.get("access_token_secret") or ""),
        )
        headers = {"authorization": signer.header("POST", url)}
        return await self._http.post(url, body_of({"conversions": list(rendered)}), headers=headers)


def _pixel(account: Account) -> str:
    return str(account.pixel_id or account.credentials.get("pixel_id") or "")


def _time(event: RelayEvent) -> str:
    """Return the time in the only form that is taken: with milliseconds and a Z."""
    return (
        event.event_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{event.event_time.microsecond // 1000:03}Z"
    )


def _identifiers(event: RelayEvent) -> list[dict[str, str]]:
    """Return who it was: an address of the network or a browser's name needs something beside it."""
    who = person(event)
    known = {
        "twclid": told(event, "twclid"),
        "hashed_email": hashing.email(who.get("email")),
        "hashed_phone_number": hashing.phone(who.get("phone"), who.get("country"), plus=True),
    }
    seen = browser(event)
    beside = {"ip_address": ipv4(seen.get("client_ip_address")), "user_agent": seen.get("client_user_agent")}
    weak = {name: value for name, value in beside.items() if value}
    identifiers = [{name: str(value)} for name, value in known.items() if value]
    if not identifiers and len(weak) < len(beside):
        raise Refused("neither twclid, an e-mail address, a phone number nor an address with its browser is known")
    return [*identifiers, weak] if weak else identifiers


def _outcome(answer: Answer, batch: int) -> Outcome:
    outcome = outcome_of(answer, batch=batch)
    if outcome.verdict is Verdict.THROTTLED and (reset := _reset(answer)) is not None:
        return replace(outcome, after=reset)
    body = answer.json()
    if answer.is_good:
        data = body.get("data") if isinstance(body, dict) else None
        taken = data.get("conversions_processed") if isinstance(data, dict) else None
        if taken != batch:
            return replace(outcome, verdict=Verdict.UNKNOWN, reason=f"{taken} of {batch} conversions processed")
        return outcome
    errors = body.get("errors") if isinstance(body, dict) else None
    if isinstance(errors, list) and errors:
        said = "; ".join(f"{each.get('code')}: {each.get('message')}" for each in errors if isinstance(each, dict))
        return replace(outcome, reason=f"{answer.status}: {said[:500]}")
    return outcome


def _reset(answer: Answer) -> timedelta | None:
    if answer.headers.get("retry-after"):
        return None  # that is said already
    for name in _RESETS:
        if re.fullmatch("[0-9]{1,12}", value := answer.headers.get(name, "")):
            return min(max(timedelta(seconds=int(value) - time.time()), timedelta(seconds=1)), LONGEST_AFTER)
    return None
