"""Any other system that takes events as JSON over HTTP: https://www.standardwebhooks.com says how it may verify them.

Its address is the account's own, and is guarded as every address that a tenant gives.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from adapters.relay.classify import outcome_of
from adapters.relay.consent import AD_USER_DATA, gate
from adapters.relay.http import Http, body_of
from adapters.relay.mapping import event_name
from adapters.relay.port import Account, Limits, Outcome, RelayEvent, Told
from adapters.relay.tracking import basic, properties, user, visitor

#: There is none: an account without an address of its own is configured wrongly, and says so when it is used.
DEFAULT_BASE = ""


class GenericHttp:
    """One event a call, under an `Idempotency-Key` that is the same on every attempt; any 2xx is taken for done."""

    code = "generic_http"
    limits = Limits(
        events_a_call=1,
        bytes_a_call=1_000_000,
        horizon=timedelta(
            hours=24
        ),  # what is customary for idempotency keys, https://docs.stripe.com/api/idempotent_requests
        freshness=timedelta(days=365),
        calls=600,
        period=timedelta(seconds=1),
        concurrency=32,
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "url": {"type": "string", "pattern": "^https?://", "maxLength": 500},
            "headers": {"type": "object", "additionalProperties": {"type": "string", "pattern": "^[ -~]*$"}},
            "bearer_token": {"type": "string", "minLength": 1},
            "username": {"type": "string", "minLength": 1},
            "password": {"type": "string"},
            "signing_secret": {"type": "string", "minLength": 16},
        },
        "dependentRequired": {"username": ["password"]},
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 -- the port's
        """Return an event without what is personal, less what the mapping's `fields` ask for."""
        gate(event, AD_USER_DATA)
        rendered = {
            "id": event.downstream_id,
            "event": event_name(event, mapping),
            "time": event.event_time.isoformat().replace("+00:00", "Z"),
            "storefront_id": event.storefront_code,
            "user_id": user(event),
            "visitor_id": visitor(event),
            "value": str(event.value) if event.value is not None else None,
            "currency": event.currency,
            "properties": properties(event, mapping, most=500, longest=10_000),
            "consent": dict(event.consent) or None,
        }
        return {name: value for name, value in rendered.items() if value is not None}

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one event."""
        (event,) = rendered
        body = body_of(event)
        url = str(account.credentials.get("url") or account.base_url)
        exchange = await self._http.post(url, body, headers=_headers(account, _ascii(event["id"]), body))
        return exchange.told([outcome_of(exchange.answer)], body, _secrets(account))

    async def test(self, account: Account) -> Outcome:
        """Post an event that says that it is a test."""
        now = datetime.now(UTC).isoformat()
        return (await self.send(account, [{"id": "mesh-test", "event": "mesh_test", "time": now}])).outcomes[0]


def _headers(account: Account, event_id: str, body: bytes) -> dict[str, str]:
    known = account.credentials
    own = {str(name).lower(): str(value) for name, value in (known.get("headers") or {}).items()}
    if known.get("bearer_token"):
        own["authorization"] = f"Bearer {known['bearer_token']}"
    elif known.get("username"):
        own["authorization"] = basic(str(known["username"]), str(known.get("password", "")))
    if known.get("signing_secret"):
        own |= signed(str(known["signing_secret"]), event_id, body, datetime.now(UTC))
    return own | {"idempotency-key": event_id}


def _ascii(event_id: str) -> str:
    """Return an id as a header may carry it; what is not ASCII would fail every delivery of its destination."""
    return quote(event_id, safe=":")


def signed(secret: str, event_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks, by which a receiver knows who sent a body, and that it is fresh."""
    moment = str(int(at.timestamp()))
    digest = hmac.digest(secret.encode(), f"{event_id}.{moment}.".encode() + body, sha256)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }


def _secrets(account: Account) -> list[str]:
    known = account.credentials
    named = [str(known[name]) for name in ("bearer_token", "password", "signing_secret") if known.get(name)]
    return named + [str(value) for value in (known.get("headers") or {}).values()]
