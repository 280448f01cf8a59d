"""Klaviyo's Events API: https://developers.klaviyo.com/en/reference/create_event."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from adapters.relay.classify import outcome_of
from adapters.relay.consent import AD_USER_DATA, MARKETING, gate
from adapters.relay.http import Exchange, Http, body_of
from adapters.relay.mapping import event_name
from adapters.relay.people import person
from adapters.relay.port import Account, Limits, Outcome, Refused, RelayEvent, Told, Verdict
from adapters.relay.tracking import amount, mail, properties, telephone, user

DEFAULT_BASE = "https://a.klaviyo.com/api"

#: A revision lives for two years: https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy.
REVISION = "2025-07-15"

# https://developers.klaviyo.com/en/reference/events_api_overview#limitations
_PROPERTIES = 300
_TEXT_LENGTH = 20_000  # of 100 kB, in characters of up to four bytes


class Klaviyo:
    """One event a call: a call for many tells nothing of what becomes of each."""

    code = "klaviyo"
    limits = Limits(
        events_a_call=1,
        bytes_a_call=5_000_000,  # https://developers.klaviyo.com/en/reference/events_api_overview#limitations
        horizon=timedelta(days=7),  # unique_id is recognised for as long as the event is kept
        freshness=timedelta(days=365),
        calls=3500,  # …/create_event: 350 a second, 3,500 a minute
        period=timedelta(minutes=1),
        concurrency=16,
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["api_key"],
        "properties": {
            "api_key": {"type": "string", "minLength": 1},
            "public_api_key": {"type": "string"},
            "revision": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        },
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 -- the port's
        """Return one event; someone without any contact in the clear is refused, as nobody could be found by a hash."""
        gate(event, MARKETING)
        gate(event, AD_USER_DATA)
        attributes: dict[str, Any] = {
            "metric": _of("metric", {"name": event_name(event, mapping)}),
            "profile": _of("profile", _profile(event)),
            "properties": properties(event, mapping, most=_PROPERTIES, longest=_TEXT_LENGTH),
            "time": event.event_time.isoformat(),
            "unique_id": event.downstream_id,
        }
        if (value := amount(event)) is not None:
            attributes |= {"value": value, "value_currency": event.currency}
        return _of("event", attributes)

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one event; 202 means that it was valid and will be counted."""
        body = body_of(rendered[0])
        exchange = await self._post(account, body)
        return exchange.told([outcome_of(exchange.answer)], body, [_key(account)])

    async def test(self, account: Account) -> Outcome:
        """Post an event that says nothing: a key that may write is told so, and nothing of the key."""
        outcome = outcome_of((await self._post(account, body_of(_of("event", {})))).answer)
        return Outcome(verdict=Verdict.DELIVERED) if outcome.verdict is Verdict.PERMANENT else outcome

    async def _post(self, account: Account, body: bytes) -> Exchange:
        headers = {
            "authorization": f"Klaviyo-API-Key {_key(account)}",
            "revision": str(account.credentials.get("revision") or REVISION),
            "accept": "application/vnd.api+json",
            "content-type": "application/vnd.api+json",
        }
        return await self._http.post(f"{account.base_url}/events", body, headers=headers)


def _key(account: Account) -> str:
    return str(account.credentials.get("api_key", ""))


def _of(kind: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"data": {"type": kind, "attributes": dict(attributes)}}


def _profile(event: RelayEvent) -> dict[str, str]:
    who = person(event)
    known = {
        "email": mail(who),
        "phone_number": telephone(who),
        "external_id": user(event),
    }
    found = {name: value for name, value in known.items() if value}
    if not found:
        raise Refused("nothing identifies a profile: an e-mail address, a telephone number or an external id")
    return found
