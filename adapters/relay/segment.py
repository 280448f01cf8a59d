"""Segment's HTTP Tracking API: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/.

It answers 200 to any well-formed JSON, whatever becomes of the events, so that what it would drop in silence is refused
here.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from adapters.relay.classify import outcome_of
from adapters.relay.consent import ANALYTICS, gate
from adapters.relay.http import Exchange, Http, body_of
from adapters.relay.mapping import event_name
from adapters.relay.people import told
from adapters.relay.port import Account, Limits, Outcome, Refused, RelayEvent, Told, Verdict
from adapters.relay.tracking import amount, basic, properties, regional, repeat_id, user, visitor

DEFAULT_BASE = "https://api.segment.io/v1"
#: Where an account's data stay, where that is not the United States.
REGIONS = {"eu": "https://events.eu1.segmentapis.com/v1"}

_EVENT_BYTES = 32_000  # …/http-api/#max-request-size
_ID_LENGTH = 100  # https://github.com/segmentio/segment-docs/issues/5924
_CAMPAIGN = {"name": "utm_campaign"} | {name: f"utm_{name}" for name in ("source", "medium", "term", "content")}


class Segment:
    """Batches of `track` calls to one source."""

    code = "segment"
    limits = Limits(
        events_a_call=500,
        bytes_a_call=480_000,  # …/http-api/#max-request-size says 500 KB, with what is around the events
        horizon=timedelta(hours=24),  # https://segment.com/docs/guides/duplicate-data/
        freshness=timedelta(days=365),
        calls=50,
        period=timedelta(seconds=1),
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["write_key"],
        "properties": {"write_key": {"type": "string", "minLength": 1}, "region": {"enum": ["us", "eu"]}},
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 -- the port's
        """Return one `track` call in the names of the e-commerce specification."""
        gate(event, ANALYTICS)
        rendered = {
            "type": "track",
            "event": event_name(event, mapping),
            "messageId": repeat_id(event, _ID_LENGTH),
            "timestamp": event.event_time.isoformat().replace("+00:00", "Z"),
            "userId": user(event),
            "anonymousId": visitor(event),
            "properties": _properties(event, mapping),
            "context": _context(event),
        }
        found = {name: value for name, value in rendered.items() if value not in (None, {})}
        if len(body_of(found)) > _EVENT_BYTES:
            raise Refused(f"it is larger than the {_EVENT_BYTES} bytes of an event")
        return found

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one batch; a 200 is all that can be known."""
        body = body_of({"batch": list(rendered)})
        exchange = await self._post(account, body)
        outcomes = [outcome_of(exchange.answer, batch=len(rendered))] * len(rendered)
        return exchange.told(outcomes, body, [_key(account)])

    async def test(self, account: Account) -> Outcome:
        """Post no event at all: it tells whether the address answers, and nothing of the key."""
        outcome = outcome_of((await self._post(account, body_of({"batch": []}))).answer)
        if outcome.verdict in {Verdict.DELIVERED, Verdict.PERMANENT}:
            return Outcome(verdict=Verdict.DELIVERED, reason="Segment takes any key: look at the source's debugger")
        return outcome

    async def _post(self, account: Account, body: bytes) -> Exchange:
        return await self._http.post(
            f"{regional(account, DEFAULT_BASE, REGIONS)}/batch", body, headers={"authorization": basic(_key(account))}
        )


def _key(account: Account) -> str:
    return str(account.credentials.get("write_key", ""))


def _properties(event: RelayEvent, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties as https://segment.com/docs/connections/spec/ecommerce/v2/ calls them."""
    found = properties(event, mapping, most=200, longest=1024)
    if (revenue := amount(event)) is not None:
        found["revenue"] = revenue
    if "items" in found:
        found["products"] = found.pop("items")
    return found


def _context(event: RelayEvent) -> dict[str, Any]:
    """Return the context: https://segment.com/docs/connections/spec/common/#context; consent goes with it.

    https://segment.com/docs/privacy/consent-management/consent-in-segment-connections/
    """
    campaign = {theirs: told(event, ours) for theirs, ours in _CAMPAIGN.items() if told(event, ours)}
    url = told(event, "event_source_url")
    found = {
        "campaign": campaign,
        "page": {"url": url} if url else {},
        "consent": {"categoryPreferences": dict(event.consent)} if event.consent else {},
    }
    return {name: value for name, value in found.items() if value}
