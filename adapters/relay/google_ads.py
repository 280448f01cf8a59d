"""Google Ads by the Data Manager API: https://developers.google.com/data-manager/api/reference/rest/v1/events/ingest.

Limits: …/data-manager/api/limits; formats: …/data-manager/api/get-started/formatting; access:
https://developers.google.com/identity/protocols/oauth2/web-server#offline. No developer token is needed.

A 200 means that Google took the events for processing; what it made of them is told half an hour later at the
earliest (…/devguides/diagnostics), and not asked here.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.relay import google_status, hashing
from adapters.relay.consent import AD_PERSONALIZATION, AD_USER_DATA, gate, granted
from adapters.relay.conversions import conversion_of, short
from adapters.relay.http import Exchange, Http, body_of, redacted
from adapters.relay.mapping import fields_of
from adapters.relay.oauth2 import Tokens
from adapters.relay.people import person, told
from adapters.relay.port import Account, Limits, Outcome, Refused, RelayEvent, Told, Verdict

DEFAULT_BASE = "https://datamanager.googleapis.com/v1"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 -- an address

_ACTION = re.compile(r"[0-9]+")
_ACTIONS = ("conversion_actions", "conversion_action_id")
_DESTINATIONS = 10  # a request, …/api/limits
_UNAUTHENTICATED = 401
_DOTLESS = frozenset({"gmail.com", "googlemail.com"})  # …/get-started/formatting


class GoogleAds:
    """Batches of events to conversion actions of one customer. A bad event fails its batch, and is named."""

    code = "google_ads"
    limits = Limits(
        events_a_call=2000,
        bytes_a_call=4_000_000,  # none is published; 2,000 events with all their fields are below
        horizon=timedelta(hours=48),  # a repeated transactionId is a duplicate; no window is named
        freshness=timedelta(days=90),  # https://support.google.com/google-ads/answer/2998031
        calls=300,  # of one Cloud project, and 100,000 a day
        period=timedelta(minutes=1),
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["client_id", "client_secret", "refresh_token"],
        "properties": {
            "client_id": {"type": "string", "minLength": 1},
            "client_secret": {"type": "string", "minLength": 1},
            "refresh_token": {"type": "string", "minLength": 1},
            "token_uri": {"type": "string", "format": "uri"},
            "customer_id": {"type": "string", "pattern": "^[0-9-]+$"},
            "login_customer_id": {"type": "string", "pattern": "^[0-9-]+$"},
            "conversion_action_id": {"type": "string", "pattern": "^[0-9]+$", "description": "that of purchases"},
            "conversion_actions": {
                "type": "object",
                "description": "the conversion action of each name that the mapping gives, as in SIGNUP: 90211",
                "maxProperties": _DESTINATIONS - 1,
                "additionalProperties": {"type": "string", "pattern": "^[0-9]+$"},
            },
            "developer_token": {"type": "string", "description": "not needed by this API"},
        },
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http
        self._tokens = Tokens(http)

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return one event; its destination is the conversion action that it counts as."""
        gate(event, AD_USER_DATA)
        action = conversion_of(event, account, mapping, _ACTION, _ACTIONS)
        clicks = {name: str(value) for name in ("gclid", "gbraid", "wbraid") if (value := told(event, name))}
        identifiers = _identifiers(event)
        if not clicks and not identifiers:
            raise Refused("neither gclid, gbraid, wbraid nor anything that identifies a person is known")
        rendered: dict[str, Any] = {
            "destinationReferences": [action],
            "transactionId": short(str(told(event, "transaction_id") or event.downstream_id)),
            "eventTimestamp": _time(event.event_time),
            "eventSource": "WEB",
            "consent": _consent(event),
            "adIdentifiers": clicks,
            "userData": {"userIdentifiers": identifiers} if identifiers else None,
        }
        if event.value is not None and event.currency is not None:
            rendered |= {"conversionValue": float(event.value), "currency": event.currency}
        return {name: value for name, value in rendered.items() if value} | fields_of(event, mapping)

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Ingest one batch; events for more conversion actions than a request may name are left to the next one."""
        actions = list(dict.fromkeys(each["destinationReferences"][0] for each in rendered))[:_DESTINATIONS]
        batch = [each for each in rendered if each["destinationReferences"][0] in actions]
        exchange, secrets = await self._ingest(account, _body(account, actions, batch))
        if isinstance(exchange, Outcome):
            return Told(
                outcomes=[exchange] * len(rendered),
                status=exchange.status,
                request="",
                response=redacted(exchange.reason or "", secrets),
                duration=timedelta(),
            )
        answered = iter(google_status.outcomes(exchange.answer, len(batch)))
        left = Outcome(verdict=Verdict.SPLIT, reason=f"a request names at most {_DESTINATIONS} conversion actions")
        return exchange.told(
            [next(answered) if each["destinationReferences"][0] in actions else left for each in rendered],
            {"events": batch},
            secrets,
        )

    async def test(self, account: Account) -> Outcome:
        """Have an event validated, which is not counted; that no such click is known is no fault of the account."""
        actions = _actions(account)
        if not actions:
            return Outcome(verdict=Verdict.CONFIG, reason=f"no conversion action is configured: see {_ACTIONS[0]}")
        probe = {
            "destinationReferences": actions,
            "transactionId": "mesh-probe",
            "eventTimestamp": _time(datetime.now(UTC)),
            "eventSource": "WEB",
            "adIdentifiers": {"gclid": "mesh_probe"},
        }
        exchange, _ = await self._ingest(account, _body(account, actions, [probe]) | {"validateOnly": True})
        if isinstance(exchange, Outcome):
            return exchange
        outcome = google_status.outcomes(exchange.answer, 1)[0]
        return Outcome(verdict=Verdict.DELIVERED) if outcome.verdict is Verdict.PERMANENT else outcome

    async def _ingest(self, account: Account, body: dict[str, Any]) -> tuple[Exchange | Outcome, list[str]]:
        """Post with an access token, and once more with a new one where a kept one has ended before its time."""
        url = str(account.credentials.get("token_uri") or TOKEN_URI)
        secrets = [str(account.credentials.get(name) or "") for name in ("client_secret", "refresh_token")]
        for is_last in (False, True):
            token = await self._tokens.token(url, account.credentials)
            if isinstance(token, Outcome):
                return token, secrets
            secrets.append(token)
            headers = {"authorization": f"Bearer {token}"}
            exchange = await self._http.post(f"{account.base_url}/events:ingest", body_of(body), headers=headers)
            if exchange.answer.status != _UNAUTHENTICATED or is_last:
                break
            self._tokens.drop(url, account.credentials, token)
        return exchange, secrets


def _body(account: Account, actions: Sequence[str], events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a request: the conversion actions it is for, then the events, which refer to them."""
    customer = account.account_id or account.credentials.get("customer_id") or ""
    destination: dict[str, Any] = {"operatingAccount": _account(customer)}
    if manager := account.credentials.get("login_customer_id"):
        destination["loginAccount"] = _account(manager)
    return {
        "destinations": [{"reference": each, **destination, "productDestinationId": each} for each in actions],
        "events": list(events),
        "encoding": "HEX",
    }


def _account(number: Any) -> dict[str, str]:
    return {"accountType": "GOOGLE_ADS", "accountId": str(number).replace("-", "")}


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _actions(account: Account) -> list[str]:
    many, one = _ACTIONS
    found = [account.credentials.get(one), *(account.credentials.get(many) or {}).values()]
    return list(dict.fromkeys(str(each) for each in found if each))[:_DESTINATIONS]


def _consent(event: RelayEvent) -> dict[str, str]:
    asked = {"adUserData": granted(event, AD_USER_DATA), "adPersonalization": granted(event, AD_PERSONALIZATION)}
    return {name: f"CONSENT_{answer}" for name, answer in asked.items() if answer}


def _identifiers(event: RelayEvent) -> list[dict[str, Any]]:
    """Return who it was: hashed, but for the country and the postcode of an address, which Google wants as they are."""
    who = person(event)
    country, postcode = who.get("country"), who.get("postcode")
    found: list[dict[str, Any]] = []
    if email := _email(who.get("email")):
        found.append({"emailAddress": email})
    if phone := hashing.phone(who.get("phone"), country, plus=True):
        found.append({"phoneNumber": phone})
    given, family = hashing.name(who.get("first_name")), hashing.name(who.get("last_name"))
    region = str(country or "").strip().upper()
    if given and family and postcode and re.fullmatch("[A-Z]{2}", region):
        address = {"givenName": given, "familyName": family, "regionCode": region, "postalCode": str(postcode).strip()}
        found.append({"address": address})
    return found


def _email(value: Any) -> str | None:
    """Return the digest of an address: without any space, and without the dots that Gmail does not see."""
    local, at, domain = "".join(str(value or "").lower().split()).rpartition("@")
    return hashing.email(f"{local.replace('.', '') if domain in _DOTLESS else local}{at}{domain}")
