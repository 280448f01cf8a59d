"""GA4's Measurement Protocol: https://developers.google.com/analytics/devguides/collection/protocol/ga4.

It answers 204 to anything, so an event is checked here against the published limits before it is sent, and a
configuration against the validation endpoint (…/ga4/validating-events), which does not check the secret.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from adapters.relay.classify import Answer, outcome_of
from adapters.relay.consent import AD_PERSONALIZATION, AD_USER_DATA, ANALYTICS, gate, granted
from adapters.relay.http import Http, body_of
from adapters.relay.mapping import event_name, fields_of
from adapters.relay.people import person, told
from adapters.relay.port import Account, Limits, Outcome, Refused, RelayEvent, Told, Verdict

DEFAULT_BASE = "https://www.google-analytics.com"

# https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events#limitations
_NAME_LENGTH, _VALUE_LENGTH, _PARAMS = 40, 100, 25
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference#reserved_names
_RESERVED = ("_", "firebase_", "ga_", "google_", "gtag.")
_RESERVED_NAME = re.compile(
    "ad_(activeview|click|exposure|query|reward)|adunit_exposure"
    "|app_(clear_data|exception|install|remove|store_refund|update|upgrade)|dynamic_link_(app_open|app_update|first_open)"
    "|error|first_(open|visit)|in_app_purchase|notification_(dismiss|foreground|open|receive|send)"
    "|os_update|session_start|user_engagement"
)

_PURCHASE = "purchase"
#: What is said by other means than a parameter, or must not reach Google as it is.
_NOT_PARAMS = frozenset(
    {
        "client_id",
        "consent",
        "currency",
        "event_id",
        "event_name",
        "event_time",
        "items",
        "order_id",
        "order_revenue",
        "session_id",
        "storefront_id",
        "timestamp_micros",
        "transaction_id",
        "user_data",
        "user_id",
        "value",
    }
)
#: Personal data, which parameters must not carry: https://support.google.com/analytics/answer/6366371.
_PERSONAL = frozenset({"email", "em", "phone", "ph", "phone_number", "first_name", "last_name", "fn", "ln", "ip"})


def body(event: RelayEvent, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of one event; raises Refused where Google would drop it in silence."""
    gate(event, ANALYTICS)
    name = event_name(event, mapping)
    _check_name(name)
    consent = {purpose: answer for purpose in (AD_USER_DATA, AD_PERSONALIZATION) if (answer := granted(event, purpose))}
    said = {
        "client_id": client_id(event),
        "user_id": told(event, "user_id"),
        "timestamp_micros": int(event.event_time.timestamp() * 1_000_000),
        "consent": consent or None,
        "events": [{"name": name, "params": params(event) | fields_of(event, mapping)}],
    }
    return {name: value for name, value in said.items() if value is not None}


def client_id(event: RelayEvent) -> str:
    """Return whose event it is: the tag's own id, else one made of what is known, never one that all share.

    An id that no tag has used starts a user of its own; see …/ga4/sending-events#required_parameters.
    """
    if known := told(event, "client_id"):
        return str(known)
    who = told(event, "session_id") or person(event).get("external_id") or person(event).get("email") or event.event_id
    digest = sha256(f"{event.storefront_code}:{who}".encode()).hexdigest()
    return f"{int(digest[:8], 16)}.{int(digest[8:16], 16)}"


def params(event: RelayEvent) -> dict[str, Any]:
    """Return the parameters: the standard ones first, then whatever else the producer sent, as far as there is room."""
    standard: dict[str, Any] = {
        "transaction_id": told(event, "transaction_id") or told(event, "order_id"),
        "storefront_id": event.storefront_code,
        "event_id": event.downstream_id,
        "session_id": told(event, "session_id"),
        "engagement_time_msec": 1,  # without it an event makes no active user
    }
    if event.value is not None and event.currency is not None:
        standard |= {"currency": event.currency, "value": float(event.value)}
    if isinstance(items := event.payload.get("items"), list):
        standard["items"] = items
    found = {name: value for name, value in standard.items() if value is not None}
    for name, value in sorted(event.payload.items()):
        if len(found) == _PARAMS:
            break
        if name not in _NOT_PARAMS and name not in _PERSONAL and name not in found and _is_param(name, value):
            found[name] = value
    return {name: value[:_VALUE_LENGTH] if isinstance(value, str) else value for name, value in found.items()}


def _is_param(name: str, value: Any) -> bool:
    is_named = len(name) <= _NAME_LENGTH and _NAME.fullmatch(name) is not None and not name.startswith(_RESERVED)
    return is_named and isinstance(value, str | int | float) and value != ""


def _check_name(name: str) -> None:
    is_reserved = name.startswith(_RESERVED) or _RESERVED_NAME.fullmatch(name) is not None
    if len(name) > _NAME_LENGTH or _NAME.fullmatch(name) is None or is_reserved:
        raise Refused(f"{name!r} cannot be the name of an event of Google Analytics")


def _recognises(rendered: Mapping[str, Any]) -> bool:
    """Tell whether it is a purchase under its transaction: https://support.google.com/analytics/answer/12313109."""
    (event,) = rendered["events"]
    return event["name"] == _PURCHASE and "transaction_id" in event["params"]


class Ga4:
    """One event a call: events of one call must be of one user."""

    code = "ga4"
    limits = Limits(
        events_a_call=1,
        bytes_a_call=130_000,
        horizon=timedelta(hours=24),  # how long Google knows a transaction again it does not say
        freshness=timedelta(hours=72),  # …/ga4/sending-events: an older one is given the time of its arrival
        calls=600,
        period=timedelta(seconds=1),
        concurrency=32,
        recognises=_recognises,
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["measurement_id", "api_secret"],
        "properties": {
            "measurement_id": {"type": "string", "pattern": "^G-[A-Z0-9]+$"},
            "api_secret": {"type": "string", "minLength": 1},
        },
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 -- the port's
        """Return the Measurement Protocol's body of one event."""
        return body(event, mapping)

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one event; any 2xx is all that can be known."""
        return await collect(self._http, account, rendered, path="/mp/collect")

    async def test(self, account: Account) -> Outcome:
        """Have an event validated, which is not counted; messages about it are a wrong configuration."""
        probe = {"client_id": "1.1", "events": [{"name": "mesh_probe", "params": {}}]}
        exchange = await self._http.post(
            f"{account.base_url}/debug/mp/collect", body_of(probe), query=_query(account.credentials)
        )
        outcome = outcome_of(exchange.answer)
        said = exchange.answer.json()
        messages = said.get("validationMessages") if isinstance(said, dict) else None
        if outcome.verdict is Verdict.DELIVERED and messages:
            return Outcome(verdict=Verdict.CONFIG, reason=str(messages)[:500])
        return outcome


async def collect(
    http: Http,
    account: Account,
    rendered: Sequence[dict[str, Any]],
    *,
    path: str,
    headers: Mapping[str, str] | None = None,
    read: Callable[[Answer], Outcome] = outcome_of,
) -> Told:
    """Post one body to a Measurement Protocol endpoint, Google's own or a tagging server's; `read` tells its answer."""
    (event,) = rendered
    secrets = [str(account.credentials.get("api_secret") or ""), *(headers or {}).values()]
    exchange = await http.post(
        f"{account.base_url}{path}", body_of(event), query=_query(account.credentials), headers=headers
    )
    return exchange.told([read(exchange.answer)], event, secrets)


def _query(credentials: Mapping[str, Any]) -> dict[str, str]:
    wanted = {"measurement_id": credentials.get("measurement_id"), "api_secret": credentials.get("api_secret")}
    return {name: str(value) for name, value in wanted.items() if value}
