"""Meta's Conversions API: https://developers.facebook.com/docs/marketing-api/conversions-api.

Parameters: …/conversions-api/parameters; errors: https://developers.facebook.com/docs/graph-api/guides/error-handling.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.relay.classify import DEFAULT_AFTER, Answer, outcome_of
from adapters.relay.consent import AD_PERSONALIZATION, AD_USER_DATA, gate, is_denied
from adapters.relay.http import Exchange, Http, body_of
from adapters.relay.mapping import event_name, fields_of
from adapters.relay.matching import browser, digests
from adapters.relay.people import told
from adapters.relay.port import Account, Limits, Outcome, Refused, RelayEvent, Told, Verdict
from adapters.relay.shop import Product, item_count, products, source_url

#: v18.0 and earlier are gone; a version lives for about two years, https://developers.facebook.com/docs/graph-api/changelog.
DEFAULT_BASE = "https://graph.facebook.com/v23.0"

# https://developers.facebook.com/docs/graph-api/guides/error-handling#errorcodes
_TRANSIENT = frozenset({1, 2})
_THROTTLED = frozenset({4, 17, 32, 613, 80004})
_AUTH = frozenset({10, 102, 190, *range(200, 300)})
#: The object of the address, a pixel here, does not exist or is not the token's to see.
_NO_OBJECT = 33

_WEBSITE = "website"
#: …/conversions-api/parameters/server-event#action-source; any other word fails the whole call. Events of an app or a
#: messenger need its own data, which no order system has.
_SOURCES = frozenset({_WEBSITE, "chat", "email", "other", "phone_call", "physical_store", "system_generated"})
#: Of who wants no personal advertising: counted, and used for nothing else; Meta finds out which state's law applies.
#: https://developers.facebook.com/docs/marketing-apis/data-processing-options.
_LIMITED: Mapping[str, Any] = {
    "opt_out": True,
    "data_processing_options": ["LDU"],
    "data_processing_options_country": 0,
    "data_processing_options_state": 0,
}


class Meta:
    """Batches of events to one pixel; the token travels in the body, where no log of addresses sees it."""

    code = "meta_capi"
    limits = Limits(
        events_a_call=1000,  # …/conversions-api/using-the-api#batch-requests
        bytes_a_call=4_000_000,
        horizon=timedelta(hours=48),  # …/conversions-api/deduplicate-pixel-and-server-events
        freshness=timedelta(days=7),  # …/parameters/server-event#event-time: an older one fails the whole call
        calls=1000,
        period=timedelta(minutes=1),
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["access_token"],
        "properties": {
            "access_token": {"type": "string", "minLength": 1},
            "pixel_id": {"type": "string", "pattern": "^[0-9]+$"},
            "test_event_code": {"type": "string"},
        },
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return one server event; a purchase without value and currency is refused, as Meta would."""
        gate(event, AD_USER_DATA)
        name = event_name(event, mapping)
        if name == "Purchase" and (event.value is None or event.currency is None):
            raise Refused("a Purchase needs a value and a currency")
        user = _user_data(event)
        if not user:
            raise Refused("user_data has nothing that identifies a person")
        rendered = {
            "event_name": name,
            "event_time": int(event.event_time.timestamp()),
            "event_id": event.downstream_id,
            "action_source": _source(event),
            "event_source_url": source_url(event, account),
            "user_data": user,
            "custom_data": _custom_data(event) | fields_of(event, mapping),
            **(_LIMITED if is_denied(event, AD_PERSONALIZATION) else {}),
        }
        _check_website(rendered)
        return {name: value for name, value in rendered.items() if value not in (None, {})}

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one batch. One bad event fails all of it, so a refusal of several is to be split."""
        exchange = await self._post(account, rendered)
        return exchange.told(
            [_outcome(exchange.answer, len(rendered))] * len(rendered), {"data": list(rendered)}, [_token(account)]
        )

    async def test(self, account: Account) -> Outcome:
        """Post no event at all: a pixel that the token may write to complains about that, and not about the token."""
        outcome = _outcome((await self._post(account, [])).answer, 1)
        return Outcome(verdict=Verdict.DELIVERED) if outcome.verdict is Verdict.PERMANENT else outcome

    async def _post(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Exchange:
        body: dict[str, Any] = {"data": list(rendered), "access_token": _token(account)}
        if code := account.credentials.get("test_event_code"):
            body["test_event_code"] = code
        return await self._http.post(f"{account.base_url}/{_pixel(account)}/events", body_of(body))


def _source(event: RelayEvent) -> str:
    said = str(told(event, "action_source")).lower()
    return said if said in _SOURCES else _WEBSITE


def _check_website(rendered: Mapping[str, Any]) -> None:
    # …/conversions-api/parameters: one event without them could fail the call of all the others.
    if rendered["action_source"] == _WEBSITE:
        if not rendered["user_data"].get("client_user_agent"):
            raise Refused("a website event needs client_user_agent; say action_source where it is none")
        if not rendered["event_source_url"]:
            raise Refused("a website event needs event_source_url, or a storefront with a domain")


def _token(account: Account) -> str:
    return str(account.credentials.get("access_token", ""))


def _pixel(account: Account) -> str:
    return str(account.pixel_id or account.credentials.get("pixel_id") or "")


def _user_data(event: RelayEvent) -> dict[str, Any]:
    """Return the customer information parameters: hashed where Meta wants hashes, raw where it forbids them."""
    cookies = {name: str(value) for name in ("fbc", "fbp") if (value := told(event, name))}
    return {name: [digest] for name, digest in digests(event).items()} | browser(event) | cookies


def _custom_data(event: RelayEvent) -> dict[str, Any]:
    custom: dict[str, Any] = {"order_id": told(event, "order_id")}
    if event.value is not None and event.currency is not None:
        custom |= {"currency": event.currency, "value": float(event.value)}
    if bought := products(event):
        custom["contents"] = [_content(each) for each in bought]
        custom["num_items"] = item_count(bought)
    return {name: value for name, value in custom.items() if value is not None}


def _content(each: Product) -> dict[str, Any]:
    price = float(each.price) if each.price is not None else None
    content = {"id": each.id, "quantity": each.quantity or 1, "item_price": price}
    return {name: value for name, value in content.items() if value is not None}


def _outcome(answer: Answer, batch: int) -> Outcome:
    told_by_http = outcome_of(answer, batch=batch)
    body = answer.json()
    if answer.is_good:
        received = body.get("events_received") if isinstance(body, dict) else None
        if received == batch:
            return told_by_http
        return replace(told_by_http, verdict=Verdict.UNKNOWN, reason=f"{received} of {batch} events received")
    error = body.get("error") if isinstance(body, dict) else None
    return _of_error(error, told_by_http) if isinstance(error, dict) else told_by_http


def _of_error(error: Mapping[str, Any], told_by_http: Outcome) -> Outcome:
    code = error.get("code")
    reason = f"{code}: {error.get('message', '')} {error.get('error_user_msg', '')}".strip()
    verdict = told_by_http.verdict
    if code in _THROTTLED:
        verdict = Verdict.THROTTLED
    elif error.get("is_transient") or code in _TRANSIENT:
        verdict = Verdict.TRANSIENT
    elif code in _AUTH:
        verdict = Verdict.AUTH
    elif error.get("error_subcode") == _NO_OBJECT:
        verdict = Verdict.CONFIG
    after = told_by_http.after or (DEFAULT_AFTER if verdict is Verdict.THROTTLED else None)
    return replace(told_by_http, verdict=verdict, reason=reason, after=after)
