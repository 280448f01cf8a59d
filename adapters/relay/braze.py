"""Braze's endpoint for what users did: https://www.braze.com/docs/api/endpoints/user_data/post_user_track."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.relay.classify import Answer, outcome_of
from adapters.relay.consent import AD_USER_DATA, MARKETING, gate
from adapters.relay.http import Exchange, Http, body_of
from adapters.relay.mapping import event_name
from adapters.relay.people import person, told
from adapters.relay.port import Account, Limits, Outcome, Refused, RelayEvent, Told, Verdict, never
from adapters.relay.tracking import mail, properties, telephone, user

#: Each customer is on one instance: https://www.braze.com/docs/api/basics/#endpoints. An account names its own.
DEFAULT_BASE = "https://rest.iad-01.braze.com"

#: A mapping that gives this name makes a purchase of an event, with its money; every other name makes a custom event.
#: Workspaces that are too young for purchases map to an event: …/api/objects_filters/purchase_object.
PURCHASE = "purchase"

_NAME_LENGTH = 255  # https://www.braze.com/docs/api/objects_filters/event_object
_KINDS = ("events", "purchases")


class Braze:
    """Batches of events to one workspace; what is bad in one is named, and the rest of it taken.

    Braze recognises no repeat, so that what it may have taken is not sent again by itself.
    """

    code = "braze"
    limits = Limits(
        events_a_call=75,  # …/post_user_track#rate-limit: events and purchases together
        bytes_a_call=3_500_000,  # https://www.braze.com/docs/api/errors: 4 MB
        horizon=timedelta(days=7),
        freshness=timedelta(days=365),
        calls=3000,  # …/post_user_track#rate-limit: 3,000 in three seconds
        period=timedelta(seconds=3),
        recognises=never,
    )
    credential_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["api_key"],
        "properties": {
            "api_key": {"type": "string", "minLength": 1},
            "app_id": {"type": "string", "minLength": 1},
            "instance_url": {"type": "string", "pattern": "^https://[A-Za-z0-9.-]+/?$"},
        },
        "additionalProperties": False,
    }

    def __init__(self, http: Http) -> None:
        self._http = http

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return one custom event or purchase, under the name of its list."""
        gate(event, MARKETING)
        gate(event, AD_USER_DATA)
        name = event_name(event, mapping)
        if len(name) > _NAME_LENGTH:
            raise Refused(f"its name is longer than {_NAME_LENGTH} characters")
        said = {
            **_whose(event),
            "app_id": account.credentials.get("app_id"),
            "time": event.event_time.isoformat(),
            "properties": properties(event, mapping, most=200, longest=255),
        }
        own = {"name": name} if name != PURCHASE else _purchase(event)
        kind = "events" if name != PURCHASE else "purchases"
        return {kind: {name: value for name, value in (said | own).items() if value is not None}}

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        """Post one batch: both lists, each in the order of the events."""
        lists = {kind: [each[kind] for each in rendered if kind in each] for kind in _KINDS}
        body = body_of({kind: listed for kind, listed in lists.items() if listed})
        exchange = await self._post(account, body)
        return exchange.told(_outcomes(exchange.answer, rendered), body, [_key(account)])

    async def test(self, account: Account) -> Outcome:
        """Post nothing at all: a key that may track is told so, and nothing of the key."""
        outcome = outcome_of((await self._post(account, b"{}")).answer)
        return Outcome(verdict=Verdict.DELIVERED) if outcome.verdict is Verdict.PERMANENT else outcome

    async def _post(self, account: Account, body: bytes) -> Exchange:
        base = str(account.credentials.get("instance_url") or account.base_url).rstrip("/")
        return await self._http.post(f"{base}/users/track", body, headers={"authorization": f"Bearer {_key(account)}"})


def _key(account: Account) -> str:
    return str(account.credentials.get("api_key", ""))


def _whose(event: RelayEvent) -> dict[str, Any]:
    """Return one identifier, which is all that an object may have: …/api/objects_filters/event_object."""
    who = person(event)
    if known := user(event):
        return {"external_id": known}
    if email := mail(who):
        return {"email": email}
    if phone := telephone(who):
        return {"phone": phone}
    raise Refused("nothing identifies a user: an external id, an e-mail address or a telephone number")


def _purchase(event: RelayEvent) -> dict[str, Any]:
    """Return what makes a purchase of a whole order: …/api/objects_filters/purchase_object#purchase-product_id."""
    if event.value is None or event.currency is None:
        raise Refused("a purchase needs a value and a currency")
    product = told(event, "product_id") or "order"
    return {"product_id": str(product)[:255], "currency": event.currency, "price": float(event.value), "quantity": 1}


def _outcomes(answer: Answer, rendered: Sequence[dict[str, Any]]) -> list[Outcome]:
    told = outcome_of(answer, batch=len(rendered))
    if told.verdict not in {Verdict.DELIVERED, Verdict.PERMANENT, Verdict.SPLIT}:
        return [told] * len(rendered)
    body = answer.json()
    bad = _bad(body) if isinstance(body, dict) else {}
    if told.verdict is Verdict.DELIVERED and (not isinstance(body, dict) or body.get("message") != "success"):
        told = replace(told, verdict=Verdict.UNKNOWN, reason=f"no success: {answer.text[:200]}")
    places = [_place(rendered, at) for at in range(len(rendered))]
    return [replace(told, verdict=Verdict.PERMANENT, reason=bad[place]) if place in bad else told for place in places]


def _place(rendered: Sequence[dict[str, Any]], at: int) -> tuple[str, int]:
    """Return in which list an event is, and where in it."""
    kind = next(iter(rendered[at]))
    return kind, sum(kind in each for each in rendered[:at])


def _bad(body: Mapping[str, Any]) -> dict[tuple[str, int], str]:
    """Return which object of which list has an error: https://www.braze.com/docs/api/errors."""
    errors = body.get("errors")
    return {
        (str(each.get("input_array")), each["index"]): str(each.get("type"))
        for each in (errors if isinstance(errors, list) else [])
        if isinstance(each, dict) and isinstance(each.get("index"), int)
    }
