"""A stand-in of Klaviyo's Events API.

Rules: https://developers.klaviyo.com/en/reference/create_event (what an event must have, 202, unique_id),
https://developers.klaviyo.com/en/reference/events_api_overview#limitations (sizes, times),
https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling (how errors look),
https://developers.klaviyo.com/en/docs/authenticate_ (the header).
Base URL: `http://HOST:PORT/api`. The private key is `sandbox-token`.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, serve

_BYTES, _PROPERTIES, _TEXT_BYTES = 5_000_000, 400, 100_000
_AHEAD = timedelta(days=365)
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_REVISION = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")


class Klaviyo(Standin):
    """One event a call."""

    name = "klaviyo"
    endpoints: ClassVar[Mapping[str, str]] = {"/api/events": "take_event"}
    window = timedelta(days=3650)  # no end is documented

    async def take_event(self, call: Call) -> Response:
        """Take an event."""
        if refused := self._refusal(call):
            return refused
        try:
            said = call.json()
            event = said["data"]["attributes"] if said["data"]["type"] == "event" else None
        except (ValueError, KeyError, TypeError):
            event = None
        if not event:
            said = "One of `attributes`, `relationships` or `id` must be included in the request payload."
            return _invalid("/data", said)
        if problem := _problem(event):
            return _invalid(*problem)
        self.take(str(event.get("unique_id") or event["time"]), event)
        return Response(status_code=202)

    def _refusal(self, call: Call) -> Response | None:
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        if scheme != "Klaviyo-API-Key":
            return _error(401, "not_authenticated", "Authentication credentials were not provided.")
        if not self.knows(key):
            return _error(401, "authentication_failed", "Incorrect authentication credentials.")
        if not _REVISION.fullmatch(call.headers.get("revision", "")):
            return _invalid("/data/", "A valid API revision must be provided in the revision header.")
        if len(call.body) > _BYTES:
            return _error(413, "payload_too_large", "The payload is larger than 5 MB.")
        return None

    def throttled(self, retry_after_s: int) -> Response:
        """Answer as Klaviyo does when it is asked too fast."""
        said = f"Request was throttled. Expected available in {retry_after_s} seconds."
        return _error(429, "throttled", said, {"retry-after": str(retry_after_s)})

    def broken(self) -> Response:
        """Answer as Klaviyo does when it fails."""
        return _error(500, "error", "A server error occurred.")


def _problem(event: Mapping[str, Any]) -> tuple[str, str] | None:
    if not _named(event):
        return "/data/attributes/metric", "metric is a required field"
    said = event.get("properties")
    if not isinstance(said, dict) or len(said) > _PROPERTIES:
        return "/data/attributes/properties", f"properties is a required object of at most {_PROPERTIES}"
    if any(isinstance(value, str) and len(value.encode()) > _TEXT_BYTES for value in said.values()):
        return "/data/attributes/properties", "a property is larger than 100 kB"
    return _problem_of_time(event.get("time")) or _problem_of_profile(event)


def _named(event: Mapping[str, Any]) -> bool:
    try:
        metric = event["metric"]["data"]
        return metric["type"] == "metric" and bool(metric["attributes"]["name"])
    except (KeyError, TypeError):
        return False


def _problem_of_time(said: Any) -> tuple[str, str] | None:
    pointer = "/data/attributes/time"
    try:
        at = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        return pointer, "Invalid timestamp"
    is_right = at.tzinfo and datetime(2000, 1, 1, tzinfo=UTC) < at < datetime.now(UTC) + _AHEAD
    return None if is_right else (pointer, "The time must be after the year 2000 and at most a year from now")


def _problem_of_profile(event: Mapping[str, Any]) -> tuple[str, str] | None:
    pointer = "/data/attributes/profile/data/attributes"
    try:
        profile = event["profile"]["data"]["attributes"]
    except (KeyError, TypeError):
        profile = {}
    if not any(profile.get(name) for name in ("email", "phone_number", "external_id", "anonymous_id", "id")):
        return pointer, "At least one profile identifier must be provided"
    if "email" in profile and not _EMAIL.fullmatch(str(profile["email"])):
        return f"{pointer}/email", "Invalid email address"
    if "phone_number" in profile and not _E164.fullmatch(str(profile["phone_number"])):
        return f"{pointer}/phone_number", "Invalid phone number format (Example of a valid format: +12345678901)"
    return None


def _invalid(pointer: str, detail: str) -> Response:
    return _error(400, "invalid", "Invalid input.", detail=detail, pointer=pointer)


def _error(
    status: int,
    code: str,
    title: str,
    headers: Mapping[str, str] | None = None,
    *,
    detail: str | None = None,
    pointer: str = "/data/",
) -> Response:
    error = {"id": "sandbox", "status": status, "code": code, "title": title, "detail": detail or title}
    return answer(status, {"errors": [error | {"source": {"pointer": pointer}, "meta": {}}]}, headers)


if __name__ == "__main__":
    serve(Klaviyo())
