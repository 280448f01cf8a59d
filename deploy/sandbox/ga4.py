"""A stand-in of Google Analytics 4's Measurement Protocol.

Rules: https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference (reserved names, required
fields), …/ga4/sending-events#limitations, …/ga4/validating-events. The real one answers 204 to anything, and throws
away what it cannot use: see `/_sandbox/dropped`. The validation endpoint tells what is wrong, and checks no secret.
Base URL: `http://HOST:PORT`. Any measurement id of the form `G-…` exists; the secret is `sandbox-token`.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, serve

_EVENTS, _PARAMS, _NAME_LENGTH, _VALUE_LENGTH, _BYTES = 25, 25, 40, 100, 130_000
_OLDEST = timedelta(hours=72)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PREFIXES = ("_", "firebase_", "ga_", "google_", "gtag.")
_RESERVED = re.compile(
    r"ad_(activeview|click|exposure|query|reward)|adunit_exposure|error|in_app_purchase|os_update|session_start"
    r"|app_(clear_data|exception|install|remove|store_refund|update|upgrade)|user_engagement|first_(open|visit)"
    r"|dynamic_link_(app_open|app_update|first_open)|notification_(dismiss|foreground|open|receive|send)"
)
#: Of a purchase the transaction is recognised; of nothing else is a repeat.
_PURCHASE = "purchase"
_MEASUREMENT = re.compile(r"G-[A-Z0-9]+")


class Ga4(Standin):
    """Answers 204 and counts what a report would show."""

    name = "ga4"
    endpoints: ClassVar[Mapping[str, str]] = {"/mp/collect": "collect", "/debug/mp/collect": "validate"}
    window = timedelta(days=1)

    async def collect(self, call: Call) -> Response:
        """Take what can be used and drop the rest without a word."""
        body, problems = _read(call, self.clock())
        measurement = call.query.get("measurement_id", "")
        if not self.knows(call.query.get("api_secret")) or not _MEASUREMENT.fullmatch(measurement):
            self.drop("unknown measurement_id or api_secret", body)
        elif problems:
            self.drop(problems[0]["description"], body)
        else:
            take_hit(self, body)
        return Response(status_code=204)

    async def validate(self, call: Call) -> Response:
        """Tell what is wrong with a body; nothing is counted."""
        return answer(200, {"validationMessages": _read(call, self.clock())[1]})


def take_hit(standin: Standin, body: Mapping[str, Any], *, recognises: bool = False) -> None:
    """Remember each event of a body that is in order, beside whose it is."""
    whose = {name: value for name, value in body.items() if name != "events"}
    for event in body["events"]:
        params = event.get("params") or {}
        number = params.get("event_id") or params.get("transaction_id") or f"{body.get('client_id')}:{event['name']}"
        is_known = recognises or (event["name"] == _PURCHASE and "transaction_id" in params)
        standin.take(str(number), {**whose, "event": event}, recognises=is_known)


def problems_of(body: Any, now: float) -> list[dict[str, str]]:
    """Return what the validation endpoint would say of a body."""
    return [
        {"fieldPath": path, "description": description, "validationCode": code}
        for path, code, description in _problems(body, now)
    ]


def _read(call: Call, now: float) -> tuple[Any, list[dict[str, str]]]:
    if len(call.body) > _BYTES:
        return None, [
            {"fieldPath": "", "description": "The body is too large.", "validationCode": "VALUE_OUT_OF_BOUNDS"}
        ]
    try:
        body = call.json()
    except ValueError as error:
        return None, [{"fieldPath": "", "description": f"Not JSON: {error}", "validationCode": "VALUE_INVALID"}]
    return body, problems_of(body, now)


def _problems(body: Any, now: float) -> Iterator[tuple[str, str, str]]:
    if not isinstance(body, dict):
        yield "", "VALUE_INVALID", "The body must be an object."
        return
    if not isinstance(body.get("client_id"), str) or not body["client_id"]:
        yield "client_id", "VALUE_REQUIRED", "client_id must be set."
    events = body.get("events")
    if not isinstance(events, list) or not events:
        yield "events", "VALUE_REQUIRED", "events must have at least one event."
        return
    if len(events) > _EVENTS:
        yield "events", "EXCEEDED_MAX_ENTITIES", f"At most {_EVENTS} events may be sent in a request."
    stamp = body.get("timestamp_micros")
    if stamp is not None and not isinstance(stamp, int | str):
        yield "timestamp_micros", "VALUE_INVALID", "timestamp_micros must be a number of microseconds."
    elif stamp is not None and now - int(stamp) / 1e6 > _OLDEST.total_seconds():
        yield "timestamp_micros", "VALUE_OUT_OF_BOUNDS", "timestamp_micros is more than 72 hours ago."
    for at, event in enumerate(events):
        yield from _problems_of_event(at, event if isinstance(event, dict) else {})


def _problems_of_event(at: int, event: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    name, params = event.get("name"), event.get("params") or {}
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > _NAME_LENGTH:
        yield f"events[{at}].name", "NAME_INVALID", f"Event at index: [{at}] has invalid name [{name}]."
    elif _RESERVED.fullmatch(name) or name.startswith(_PREFIXES):
        yield f"events[{at}].name", "NAME_RESERVED", f"Event at index: [{at}] has name [{name}], which is reserved."
    if len(params) > _PARAMS:
        yield f"events[{at}].params", "EXCEEDED_MAX_ENTITIES", f"At most {_PARAMS} parameters may be sent."
    for key, value in params.items():
        where = f"events[{at}].params.{key}"
        if not _NAME.fullmatch(key) or len(key) > _NAME_LENGTH or key.startswith(_PREFIXES):
            yield where, "NAME_INVALID", f"Parameter [{key}] has an invalid name."
        if isinstance(value, str) and len(value) > _VALUE_LENGTH:
            yield where, "VALUE_OUT_OF_BOUNDS", f"Parameter [{key}] has a value longer than {_VALUE_LENGTH}."
    if name == "purchase" and "value" in params and "currency" not in params:
        yield f"events[{at}].params.currency", "VALUE_REQUIRED", "currency is required where value is set."
    if name == "purchase" and not params.get("transaction_id"):
        yield f"events[{at}].params.transaction_id", "VALUE_REQUIRED", "A purchase needs a transaction_id."


if __name__ == "__main__":
    serve(Ga4())
