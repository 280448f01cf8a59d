"""Amplitude's HTTP V2 API: https://amplitude.com/docs/apis/analytics/http-v2."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.relay.classify import Answer, outcome_of
from adapters.relay.consent import ANALYTICS, gate
from adapters.relay.http import Exchange, Http, body_of
from adapters.relay.mapping import event_name
from adapters.relay.port import Account, Limits, Outcome, RelayEvent, Told, Verdict
from adapters.relay.tracking import amount, properties, regional, repeat_id, user, visitor

DEFAULT_BASE = "https://api2.amplitude.com"
#: Where an account's data stay, where that is not the United States.
REGIONS = {"eu": "https://api.eu.amplitude.com"}

#: Ids are refused below 5 characters unless this says otherwise; producers have short ones.
_OPTIONS = {"min_id_length": 1}
#: …/http-v2#429-too-many-requests-error asks for a pause of so long before the next try.
_PAUSE = timedelta(seconds=30)
#: Where the answer lists events by what is wrong with them: field → positions.
_BY_FIELD = ("events_with_invalid_fields", "events_with_missing_fields", "events_with_invalid_id_lengths")
_INVALID_KEY = "invalid api key"


class Amplitude:
    """Batches of events to one project; one bad event fails the call, and the answer names it."""

    code = "amplitude"
    limits = Limits(
        events_a_call=1000,  # …/http-v2#upload-limit: fewer than 2,000
        bytes_a_call=950_000,  # …/http-v2#upload-limit: below 1 MB
        horizon=timedelta(days=7),  # …/http-v2#event-deduplication
        freshness=timedelta(days=365),
        calls=10,
        period=timedelta(seconds=1),
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["api_key"],
        "properties": {"api_key": {"type": "string", "minLength": 1}, "region": {"enum": ["us", "eu"]}},
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 -- the port's
        """Return one event; the same device on every attempt, since repeats are recognised within one."""
        gate(event, ANALYTICS)
        rendered = {
            "event_type": event_name(event, mapping),
            "insert_id": repeat_id(event, 100),
            "time": int(event.event_time.timestamp() * 1000),
            "user_id": user(event),
            "device_id": visitor(event),
            "revenue": amount(event),
            "event_properties": properties(event, mapping, most=200, longest=1024),
        }
        return {name: value for name, value in rendered.items() if value is not None}

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one batch. Of a refused one nothing is taken: the named events never, the others without them."""
        exchange, body = await self._post(account, rendered)
        return exchange.told(_outcomes(exchange.answer, len(rendered)), body, [_key(account)])

    async def test(self, account: Account) -> Outcome:
        """Post no event at all: a project that takes the key complains about that, and not about the key."""
        exchange, _ = await self._post(account, [])
        (outcome,) = _outcomes(exchange.answer, 1)
        return Outcome(verdict=Verdict.DELIVERED) if outcome.verdict is Verdict.PERMANENT else outcome

    async def _post(self, account: Account, rendered: Sequence[dict[str, Any]]) -> tuple[Exchange, bytes]:
        body = body_of({"api_key": _key(account), "events": list(rendered), "options": _OPTIONS})
        return await self._http.post(f"{regional(account, DEFAULT_BASE, REGIONS)}/2/httpapi", body), body


def _key(account: Account) -> str:
    return str(account.credentials.get("api_key", ""))


def _outcomes(answer: Answer, batch: int) -> list[Outcome]:
    told = outcome_of(answer, batch=batch)
    body = answer.json()
    said: Mapping[str, Any] = body if isinstance(body, dict) else {}
    if told.verdict is Verdict.DELIVERED and said.get("events_ingested") != batch:
        told = replace(told, verdict=Verdict.UNKNOWN, reason=f"{said.get('events_ingested')} of {batch} ingested")
    if told.verdict is Verdict.THROTTLED:
        told = replace(told, after=told.after if "retry-after" in answer.headers else _PAUSE)
    if _INVALID_KEY in str(said.get("error", "")).lower():
        told = replace(told, verdict=Verdict.AUTH)
    culprits = _culprits(said) if told.verdict in {Verdict.PERMANENT, Verdict.SPLIT} else {}
    if not culprits:
        return [told] * batch
    return [
        replace(told, verdict=Verdict.PERMANENT, reason=culprits[at]) if at in culprits else told for at in range(batch)
    ]


def _culprits(said: Mapping[str, Any]) -> dict[int, str]:
    """Return what is wrong with which event: …/http-v2#400-bad-request-error."""
    found: dict[int, str] = {}
    for kind in _BY_FIELD:
        fields = said.get(kind)
        for name, positions in fields.items() if isinstance(fields, dict) else ():
            for at in positions if isinstance(positions, list) else ():
                found[at] = f"{said.get('error', 'refused')}: {kind} {name}"
    silenced = said.get("silenced_events")
    for at in silenced if isinstance(silenced, list) else ():
        found.setdefault(at, "its device is silenced")
    return found
