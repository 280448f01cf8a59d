"""Mixpanel's import of events: https://docs.mixpanel.com/reference/import-events."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from adapters.relay.classify import Answer, outcome_of
from adapters.relay.consent import ANALYTICS, gate
from adapters.relay.http import Exchange, Http, body_of
from adapters.relay.mapping import event_name
from adapters.relay.port import Account, Limits, Outcome, RelayEvent, Told, Verdict
from adapters.relay.tracking import basic, properties, regional, user, visitor

DEFAULT_BASE = "https://api.mixpanel.com"
#: Where an account's data stay, where that is not the United States.
REGIONS = {"eu": "https://api-eu.mixpanel.com", "in": "https://api-in.mixpanel.com"}

_INSERT_ID_LENGTH = 36  # …/import-events#propertiesinsert_id
_PROPERTIES = 250  # …/import-events#high-level-requirements: fewer than 255
_TEXT_LENGTH = 255  # longer ones are cut there


class Mixpanel:
    """Batches of events to one project; what is bad in one is named, and the rest of it taken."""

    code = "mixpanel"
    limits = Limits(
        events_a_call=2000,  # …/import-events#request-format
        bytes_a_call=1_900_000,  # 10 MB by now, 2 MB for long; the smaller is taken by every region
        horizon=timedelta(days=7),  # by name, time, person and $insert_id together, all of which stay the same
        freshness=timedelta(days=365),
        calls=15,  # …/import-events#rate-limits: about 30,000 events a second
        period=timedelta(seconds=1),
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["token"],
        "properties": {
            "token": {"type": "string", "minLength": 1},
            "api_secret": {"type": "string", "minLength": 1},
            "service_account": {"type": "string", "minLength": 1},
            "service_secret": {"type": "string", "minLength": 1},
            "project_id": {"type": "string", "pattern": "^[0-9]+$"},
            "region": {"enum": ["us", "eu", "in"]},
        },
        "dependentRequired": {"service_account": ["service_secret", "project_id"]},
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 -- the port's
        """Return one event, in milliseconds."""
        gate(event, ANALYTICS)
        own = {
            "time": int(event.event_time.timestamp() * 1000),
            "distinct_id": user(event) or visitor(event),
            "$insert_id": sha256(event.downstream_id.encode()).hexdigest()[:_INSERT_ID_LENGTH],
        }
        said = properties(event, mapping, most=_PROPERTIES - len(own), longest=_TEXT_LENGTH)
        return {"event": event_name(event, mapping), "properties": said | own}

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one batch, strictly: what is refused is told by its place."""
        body = body_of(list(rendered))
        exchange = await self._post(account, body)
        return exchange.told(_outcomes(exchange.answer, len(rendered)), body, _secrets(account))

    async def test(self, account: Account) -> Outcome:
        """Post no event at all: an account that may write to the project is told so, or that there is none."""
        outcome = outcome_of((await self._post(account, b"[]")).answer)
        return Outcome(verdict=Verdict.DELIVERED) if outcome.verdict is Verdict.PERMANENT else outcome

    async def _post(self, account: Account, body: bytes) -> Exchange:
        known = account.credentials
        query = {"strict": "1"} | ({"project_id": str(known["project_id"])} if known.get("project_id") else {})
        return await self._http.post(
            f"{regional(account, DEFAULT_BASE, REGIONS)}/import",
            body,
            headers={"authorization": _authorization(account)},
            query=query,
        )


def _authorization(account: Account) -> str:
    """Return what is known, the strongest first: …/import-events#authentication."""
    known = {name: str(value) for name, value in account.credentials.items()}
    if "service_account" in known:
        return basic(known["service_account"], known.get("service_secret", ""))
    return basic(known.get("api_secret") or known.get("token", ""))


def _secrets(account: Account) -> list[str]:
    names = ("token", "api_secret", "service_secret")
    return [str(account.credentials[name]) for name in names if account.credentials.get(name)]


def _outcomes(answer: Answer, batch: int) -> list[Outcome]:
    told = outcome_of(answer, batch=batch)
    body = answer.json()
    said: Mapping[str, Any] = body if isinstance(body, dict) else {}
    imported = said.get("num_records_imported")
    if told.verdict is Verdict.DELIVERED:
        if imported == batch:
            return [told] * batch
        return [replace(told, verdict=Verdict.UNKNOWN, reason=f"{imported} of {batch} imported")] * batch
    failed = _failed(said) if told.verdict in {Verdict.PERMANENT, Verdict.SPLIT} else {}
    if not failed or imported != batch - len(failed):
        return [told] * batch
    taken = Outcome(verdict=Verdict.DELIVERED, status=told.status)
    return [
        replace(told, verdict=Verdict.PERMANENT, reason=failed[at]) if at in failed else taken for at in range(batch)
    ]


def _failed(said: Mapping[str, Any]) -> dict[int, str]:
    records = said.get("failed_records")
    return {
        each["index"]: f"{each.get('field', '')}: {each.get('message', '')}"
        for each in (records if isinstance(records, list) else [])
        if isinstance(each, dict) and isinstance(each.get("index"), int)
    }
