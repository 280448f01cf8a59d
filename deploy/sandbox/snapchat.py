"""A stand-in of Snapchat's Conversions API, version 3.

Rules: https://developers.snap.com/api/marketing-api/Conversions-API/UsingTheAPI (the shape of a call),
…/Conversions-API/VerifySetUp (what is INVALID, and the endpoint that only validates), …/Conversions-API/Parameters
(what is hashed), …/Conversions-API/Introduction (at most 37 days old), …/Conversions-API/Deduplication (48 hours). The
pages do not show what a wrong token is answered; here it is a 401 of the same shape.
Base URL: `http://HOST:PORT/v3`. Any pixel exists; the token, a parameter of the address, is `sandbox-token`.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, is_digest, serve

_BATCH = 2000
_OLDEST = timedelta(days=37)
_LATEST = timedelta(minutes=1)  # clocks differ a little
_SOURCES = frozenset({"WEB", "MOBILE_APP", "OFFLINE"})
_REQUIRED = ("event_name", "event_time", "action_source")
_DIGESTS = ("em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Snapchat(Standin):
    """One bad event fails the whole call."""

    name = "snapchat"
    endpoints: ClassVar[Mapping[str, str]] = {
        "/v3/{pixel}/events": "take_events",
        "/v3/{pixel}/events/validate": "validate",
    }
    window = timedelta(hours=48)

    async def take_events(self, call: Call) -> Response:
        """Take a batch of events."""
        refusal = self._refusal(call)
        if refusal is not None:
            return refusal
        for event in call.json()["data"]:
            self.take(str(event.get("event_id", id(event))), event)
        return answer(200, {"status": "VALID", "reason": "Events have been processed successfully."})

    async def validate(self, call: Call) -> Response:
        """Check a batch as `take_events` does, and count nothing."""
        return self._refusal(call) or answer(200, {"status": "VALID", "reason": "Events are valid."})

    def throttled(self, retry_after_s: int) -> Response:
        """Answer as Snap does to who calls too often."""
        return _invalid("Rate limit exceeded", 429, {"retry-after": f"{retry_after_s}"})

    def _refusal(self, call: Call) -> Response | None:
        if not self.knows(call.query.get("access_token")):
            return _invalid("Access token is missing or invalid", 401)
        try:
            data = call.json()["data"]
        except (ValueError, KeyError, TypeError):
            return _invalid("Request body has no data")
        if not isinstance(data, list) or not 0 < len(data) <= _BATCH:
            return _invalid(f"data must have between 1 and {_BATCH} events")
        for at, event in enumerate(data):
            if problem := self._problem(event):
                return _invalid(f"data[{at}]: {problem}")
        return None

    def _problem(self, event: Any) -> str | None:
        if not isinstance(event, dict):
            return "is not an object"
        if missing := [name for name in _REQUIRED if not event.get(name)]:
            return f"Missing required field {missing[0]}"
        if event["action_source"] not in _SOURCES:
            return "Invalid action_source"
        if event["action_source"] == "WEB" and not str(event.get("event_source_url", "")).startswith("http"):
            return "Missing required field event_source_url"
        age = self.clock() - event["event_time"] if isinstance(event["event_time"], int) else None
        if age is None or not -_LATEST.total_seconds() <= age <= _OLDEST.total_seconds():
            return "Timestamp invalid or out of range"
        return _problem_of_money(event) or _problem_of_person(event.get("user_data") or {})


def _problem_of_money(event: Mapping[str, Any]) -> str | None:
    custom = event.get("custom_data") or {}
    has_value = _NUMBER.fullmatch(str(custom.get("value", ""))) is not None
    has_currency = _CURRENCY.fullmatch(str(custom.get("currency", ""))) is not None
    if event["event_name"] == "PURCHASE" and not (has_value and has_currency):
        return "Missing price and/or currency in Purchase event"
    if "value" in custom and not has_value:
        return "Invalid value"
    return None


def _problem_of_person(user: Mapping[str, Any]) -> str | None:
    for name in _DIGESTS:
        values = user.get(name, [])
        if not all(is_digest(value) for value in (values if isinstance(values, list) else [values])):
            return f"Unhashed PII in {name}"
    is_known = any(user.get(name) for name in ("em", "ph", "madid"))
    if not is_known and not (user.get("client_ip_address") and user.get("client_user_agent")):
        return "Insufficient PII"
    return None


def _invalid(reason: str, status: int = 400, headers: Mapping[str, str] | None = None) -> Response:
    return answer(status, {"status": "INVALID", "reason": reason}, headers)


if __name__ == "__main__":
    serve(Snapchat())
