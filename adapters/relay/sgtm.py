"""A storefront's own tagging server (server-side Google Tag Manager): https://developers.google.com/tag-platform/tag-manager/server-side.

With the GA4 client it takes the Measurement Protocol on `/mp/collect`; with a custom client, JSON on a path of its own.
A 2xx means that a client has claimed the request, not what its tags made of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.relay.classify import Answer, outcome_of
from adapters.relay.ga4 import body, collect
from adapters.relay.http import Http, body_of
from adapters.relay.port import Account, Limits, Outcome, RelayEvent, Told, Verdict

CODE = "sgtm"
CUSTOM = "custom"


class Sgtm:
    """One event a call, to whichever client the storefront's container has."""

    code = CODE
    limits = Limits(
        events_a_call=1,
        bytes_a_call=130_000,
        horizon=timedelta(hours=48),  # what is behind it, most often Meta's pixel, recognises a repeat for that long
        freshness=timedelta(days=7),
        calls=1000,
        period=timedelta(seconds=1),
        concurrency=32,
    )
    credential_schema: Mapping[str, Any] = {"type": "object"}

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the storefront's client reads."""
        if account.credentials.get("client_type") != CUSTOM:
            return body(event, mapping)
        own = {
            "event_name": event.event_type,
            "storefront_id": event.storefront_code,
            "event_id": event.downstream_id,
            "event_time": event.event_time.isoformat().replace("+00:00", "Z"),
        }
        money = {"order_revenue": str(event.value)} if event.value is not None else {}
        return {**event.payload, **money, **own}

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one event to the tagging server."""
        headers = {str(name): str(value) for name, value in (account.credentials.get("custom_headers") or {}).items()}
        if account.credentials.get("client_type") != CUSTOM:
            return await collect(self._http, account, rendered, path="/mp/collect", headers=headers, read=_outcome)
        (event,) = rendered
        path = account.credentials.get("custom_endpoint_path") or "/collect"
        exchange = await self._http.post(f"{account.base_url}{path}", body_of(event), headers=headers)
        return exchange.told([_outcome(exchange.answer)], event, list(headers.values()))

    async def test(self, account: Account) -> Outcome:
        """Ask nothing of the tags: an event that no trigger should know."""
        if account.credentials.get("client_type") == CUSTOM:
            return (await self.send(account, [{"event_name": "mesh_probe"}])).outcomes[0]
        probe = {"client_id": "1.1", "events": [{"name": "mesh_probe", "params": {}}]}
        return (await self.send(account, [probe])).outcomes[0]


def _outcome(answer: Answer) -> Outcome:
    """Tell a client's refusal, which has a body, from the container's own, which has none: no client knows the path."""
    outcome = outcome_of(answer)
    if outcome.verdict is Verdict.PERMANENT and not answer.body.strip():
        return replace(outcome, verdict=Verdict.CONFIG, reason=f"{answer.status}: no client claims the path")
    return outcome
