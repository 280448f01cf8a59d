"""LinkedIn's Conversions API: https://learn.microsoft.com/en-us/linkedin/marketing/integrations/ads-reporting/conversions-api.

Fields: …/conversions-api-schema; batches: …/linkedin/shared/api-guide/concepts/batch; how errors look:
https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/error-handling.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.relay import hashing
from adapters.relay.classify import Answer, outcome_of
from adapters.relay.consent import AD_USER_DATA, gate
from adapters.relay.conversions import conversion_of, short
from adapters.relay.http import Exchange, Http, body_of
from adapters.relay.mapping import fields_of
from adapters.relay.matching import browser
from adapters.relay.people import ipv4, person, told
from adapters.relay.port import Account, Limits, Outcome, Refused, RelayEvent, Told, Verdict

DEFAULT_BASE = "https://api.linkedin.com/rest"
#: A version lives for at least a year: https://learn.microsoft.com/en-us/linkedin/marketing/versioning.
DEFAULT_VERSION = "202605"

_RULE = re.compile(r"[0-9]+|urn:lla:llaPartnerConversion:[0-9]+")
_URN = "urn:lla:llaPartnerConversion:"
_OUTDATED = 426  # NONEXISTENT_VERSION, …/linkedin/marketing/versioning


class LinkedIn:
    """Batches of events to an account's conversion rules; the answer judges each event alone.

    Names go to LinkedIn unhashed or not at all (`userInfo`), so they do not go.
    """

    code = "linkedin_capi"
    limits = Limits(
        events_a_call=5000,  # …/conversions-api#streaming-conversion-events
        bytes_a_call=4_000_000,  # none is published; 5,000 events with all their fields are below
        horizon=timedelta(hours=48),  # …/conversions/deduplication names no window; two days, as its peers have
        freshness=timedelta(days=90),  # …/conversions-api-schema#conversionhappenedat
        calls=600,  # and 300,000 a day
        period=timedelta(minutes=1),
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["access_token"],
        "properties": {
            "access_token": {"type": "string", "minLength": 1},
            "conversion_id": {"type": "string", "pattern": "^[0-9]+$", "description": "the rule of purchases"},
            "conversions": {
                "type": "object",
                "description": "the rule of each name that the mapping gives, as in LEAD: 104012",
                "additionalProperties": {"type": "string", "pattern": "^[0-9]+$"},
            },
            "api_version": {"type": "string", "pattern": "^[0-9]{6}$"},
            "client_id": {"type": "string"},
            "client_secret": {"type": "string"},
            "account_id": {"type": "string"},
            "partner_id": {"type": "string"},
        },
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return one element of a batch."""
        gate(event, AD_USER_DATA)
        rule = conversion_of(event, account, mapping, _RULE, ("conversions", "conversion_id"))
        ids = _user_ids(event)
        if not ids:
            raise Refused("neither an e-mail address nor li_fat_id identifies the person")
        rendered: dict[str, Any] = {
            "conversion": rule if rule.startswith(_URN) else _URN + rule,
            "conversionHappenedAt": int(event.event_time.timestamp() * 1000),
            "user": {"userIds": ids},
            "eventId": short(event.downstream_id),  # at most 64 characters
        }
        if event.value is not None and event.currency is not None:
            rendered["conversionValue"] = {"currencyCode": event.currency, "amount": format(event.value, "f")}
        return rendered | fields_of(event, mapping)

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Create a batch of conversion events."""
        exchange = await self._post(account, rendered)
        secrets = [_token(account), str(account.credentials.get("client_secret") or "")]
        return exchange.told(_outcomes(exchange.answer, len(rendered)), {"elements": list(rendered)}, secrets)

    async def test(self, account: Account) -> Outcome:
        """Create nothing: a token that may write is at most told that there is nothing to create."""
        outcome = _of_call((await self._post(account, [])).answer, 1)
        return Outcome(verdict=Verdict.DELIVERED) if outcome.verdict is Verdict.PERMANENT else outcome

    async def _post(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Exchange:
        headers = {
            "authorization": f"Bearer {_token(account)}",
            "linkedin-version": str(account.credentials.get("api_version") or DEFAULT_VERSION),
            "x-restli-protocol-version": "2.0.0",
            "x-restli-method": "BATCH_CREATE",
        }
        return await self._http.post(
            f"{account.base_url}/conversionEvents", body_of({"elements": list(rendered)}), headers=headers
        )


def _token(account: Account) -> str:
    return str(account.credentials.get("access_token") or "")


def _user_ids(event: RelayEvent) -> list[dict[str, str]]:
    """Return who it was; an address of the network alone identifies nobody, so it only comes along."""
    who = person(event)
    known = {
        "SHA256_EMAIL": hashing.email(who.get("email")),
        "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID": told(event, "li_fat_id"),
    }
    ids = [{"idType": kind, "idValue": str(value)} for kind, value in known.items() if value]
    if ids and (address := ipv4(browser(event).get("client_ip_address"))):
        ids.append({"idType": "PLAINTEXT_IP_ADDRESS", "idValue": address})
    return ids


def _outcomes(answer: Answer, batch: int) -> list[Outcome]:
    told_by_call = _of_call(answer, batch)
    if not answer.is_good:
        return [told_by_call] * batch
    body = answer.json()
    elements = body.get("elements") if isinstance(body, dict) else None
    if not isinstance(elements, list) or len(elements) != batch:
        said = len(elements) if isinstance(elements, list) else "no"
        return [replace(told_by_call, verdict=Verdict.UNKNOWN, reason=f"{said} of {batch} elements answered")] * batch
    return [_of_element(each) for each in elements]


def _of_element(element: Any) -> Outcome:
    """Judge one element by its own status, as if it had been sent alone."""
    status = element.get("status") if isinstance(element, dict) else None
    if not isinstance(status, int):
        return Outcome(verdict=Verdict.UNKNOWN, reason="the element has no status")
    return outcome_of(Answer(status, {}, str(element.get("error") or element).encode()))


def _of_call(answer: Answer, batch: int) -> Outcome:
    outcome = outcome_of(answer, batch=batch)
    return replace(outcome, verdict=Verdict.CONFIG) if answer.status == _OUTDATED else outcome
