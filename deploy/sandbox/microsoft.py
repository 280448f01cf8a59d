"""A stand-in of Microsoft Advertising's UET Conversions API.

Rules: https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration: 1,000 events a batch, seven
days, at least one identifier, e-mail addresses and phone numbers hashed. A validation error names events by index; with
`continueOnValidationError` the others are taken all the same.
Base URL: `http://HOST:PORT/v1`. Any tag of digits exists; the token is `sandbox-token`.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, is_digest, serve

_BATCH = 1000
_OLDEST = timedelta(days=7)
_LATEST = timedelta(minutes=1)  # clocks differ a little
_CLICK = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_IDENTIFIERS = frozenset({"anonymousId", "em", "externalId", "gaid", "idfa", "msclkid", "ph"})


class Microsoft(Standin):
    """A batch with a bad event is refused, and the answer names the bad ones."""

    name = "microsoft"
    endpoints: ClassVar[Mapping[str, str]] = {"/v1/{tag}/events": "take_events"}

    async def take_events(self, call: Call) -> Response:
        """Take a batch of events of one tag."""
        if not self.knows(call.bearer):
            return _error(401, "Unauthorized", "The token is missing or is not of this tag")
        if not call.path["tag"].isdigit():
            return _error(404, "NotFound", "There is no such tag")
        try:
            body = call.json()
        except ValueError:
            return _error(400, "InvalidJson", "The body is not JSON")
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(data, list) or not 0 < len(data) <= _BATCH:
            return _error(400, "ValidationError", f"data must have 1 to {_BATCH} events")
        problems = {at: problem for at, event in enumerate(data) if (problem := self._problem(event))}
        if problems and not body.get("continueOnValidationError"):
            return _error(400, "ValidationError", "One or more validation errors occurred", problems)
        good = [event for at, event in enumerate(data) if at not in problems]
        for event in good:
            self.take(str(event.get("eventId", id(event))), event)
        said: dict[str, Any] = {"eventsReceived": len(good)}
        return answer(200, said | ({"error": _told("ValidationError", "", problems)} if problems else {}))

    def _problem(self, event: Any) -> tuple[str, str, str] | None:
        """Return the property, the code and the message of what is wrong."""
        if not isinstance(event, dict) or event.get("eventType") not in {"pageLoad", "custom"}:
            return "eventType", "InvalidValue", "must be pageLoad or custom"
        if event["eventType"] == "pageLoad" and not event.get("eventSourceUrl"):
            return "eventSourceUrl", "Required", "is required for pageLoad"
        if event["eventType"] == "custom" and not event.get("eventName"):
            return "eventName", "Required", "is required for custom"
        age = self.clock() - event["eventTime"] if isinstance(event.get("eventTime"), int) else None
        if age is None or not -_LATEST.total_seconds() <= age <= _OLDEST.total_seconds():
            return "eventTime", "OutOfRange", "must be in seconds, within the last 7 days"
        if event.get("adStorageConsent", "G") not in {"G", "D"}:
            return "adStorageConsent", "InvalidValue", "must be G or D"
        return _problem_of_user(event.get("userData")) or _problem_of_money(event.get("customData") or {})

    def throttled(self, retry_after_s: int) -> Response:
        """Answer as to one who calls too often."""
        response = _error(429, "TooManyRequests", "Rate limit is exceeded")
        response.headers["retry-after"] = str(retry_after_s)
        return response

    def broken(self) -> Response:
        """Answer as when something of its own fails."""
        return _error(500, "InternalServerError", "An unexpected error occurred")


def _problem_of_user(user: Any) -> tuple[str, str, str] | None:
    if not isinstance(user, dict) or not _IDENTIFIERS & {name for name, value in user.items() if value}:
        return "userData", "Required", "needs at least one identifier"
    for name in ("em", "ph"):
        if name in user and not is_digest(user[name]):
            return f"userData.{name}", "InvalidFormat", "must be hashed with SHA-256"
    if "msclkid" in user and not _CLICK.fullmatch(str(user["msclkid"])):
        return "userData.msclkid", "InvalidFormat", "must be a UUID"
    return None


def _problem_of_money(custom: Mapping[str, Any]) -> tuple[str, str, str] | None:
    if "value" in custom and not isinstance(custom["value"], int | float):
        return "customData.value", "InvalidFormat", "must be a number"
    if "currency" in custom and not re.fullmatch("[A-Z]{3}", str(custom["currency"])):
        return "customData.currency", "InvalidFormat", "must be a code of ISO 4217"
    return None


def _error(
    status: int, code: str, message: str, problems: Mapping[int, tuple[str, str, str]] | None = None
) -> Response:
    return answer(status, {"error": _told(code, message, problems or {})})


def _told(code: str, message: str, problems: Mapping[int, tuple[str, str, str]]) -> dict[str, Any]:
    details = [
        {"index": at, "propertyName": name, "errorCode": kind, "errorMessage": said, "isWarning": False}
        for at, (name, kind, said) in problems.items()
    ]
    return {"code": code, "message": message, "details": details}


if __name__ == "__main__":
    serve(Microsoft())
