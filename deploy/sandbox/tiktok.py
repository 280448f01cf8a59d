"""A stand-in of TikTok's Events API 2.0.

Rules: https://business-api.tiktok.com/portal/docs?id=1771101303285761 (what a call must have; up to 1,000 events, of
which one bad one fails all), https://business-api.tiktok.com/portal/docs?id=1771100965992450 (a repeat of an event and
its id is dropped for 48 hours), https://business-api.tiktok.com/portal/docs?id=1737172488964097 (return codes: the
status of HTTP is 200 for refusals too).
Base URL: `http://HOST:PORT/open_api/v1.3`. Any pixel of letters and digits exists, those that begin with OTHER belong
to someone else; the token is `sandbox-token`. Events with a `test_event_code` are checked and not counted.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import Any, ClassVar

from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, is_digest, serve

_BATCH = 1000
_OLDEST = timedelta(days=7)
_LATEST = timedelta(minutes=1)  # clocks differ a little
_SOURCES = frozenset({"web", "app", "offline", "crm"})
_PIXEL = re.compile(r"[A-Z0-9]+", re.IGNORECASE)
_CURRENCY = re.compile(r"[A-Z]{3}")
_DIGESTS = ("email", "phone", "external_id", "first_name", "last_name", "zip_code")
_OK, _NOT_ALLOWED, _BAD, _THROTTLED, _NO_TOKEN, _WRONG_TOKEN, _BROKEN = 0, 40001, 40002, 40100, 40104, 40105, 50000


class TikTok(Standin):
    """One bad event fails the whole call; only the code in the body tells."""

    name = "tiktok"
    endpoints: ClassVar[Mapping[str, str]] = {"/open_api/{version}/event/track/": "track"}
    window = timedelta(hours=48)

    async def track(self, call: Call) -> Response:
        """Take a batch of events of one source."""
        try:
            body = call.json()
        except ValueError:
            return self._refused(_BAD, "The request body is not valid JSON.")
        refusal = self._refusal_of_account(call, body) or self._refusal_of_events(body)
        if refusal is not None:
            return refusal
        if not body.get("test_event_code"):
            for event in body["data"]:
                self.take(str(event.get("event_id", id(event))), event)
        return _said(_OK, "OK")

    def throttled(self, retry_after_s: int) -> Response:  # noqa: ARG002 -- TikTok does not say for how long
        """Answer as TikTok does to an app that calls too often."""
        return _said(_THROTTLED, "Too many requests. Please retry in some time.")

    def broken(self) -> Response:
        """Answer as TikTok does when it fails."""
        return _said(_BROKEN, "System error")

    def _refused(self, code: int, message: str) -> Response:
        self._memory.counts["refused"] += 1
        return _said(code, message)

    def _refusal_of_account(self, call: Call, body: Any) -> Response | None:
        token = call.headers.get("access-token")
        if not token:
            return self._refused(_NO_TOKEN, "The Access-Token is empty in the header.")
        if not self.knows(token):
            return self._refused(_WRONG_TOKEN, "Access token is incorrect or has been revoked.")
        pixel = body.get("event_source_id") if isinstance(body, dict) else None
        if not isinstance(pixel, str) or not _PIXEL.fullmatch(pixel):
            return self._refused(_BAD, "event_source_id: Missing data for required field.")
        if pixel.upper().startswith("OTHER"):
            return self._refused(_NOT_ALLOWED, f"No permission to operate pixel {pixel}.")
        return None

    def _refusal_of_events(self, body: Mapping[str, Any]) -> Response | None:
        if body.get("event_source") not in _SOURCES:
            return self._refused(_BAD, f"event_source: must be one of {', '.join(sorted(_SOURCES))}.")
        if problem := self._problem_of_batch(body):
            return self._refused(_BAD, problem)
        return None

    def _problem_of_batch(self, body: Mapping[str, Any]) -> str | None:
        data = body.get("data")
        if not isinstance(data, list) or not data:
            return "data: Missing data for required field."
        if len(data) > _BATCH:
            return f"data: Longer than maximum length {_BATCH}."
        for at, event in enumerate(data):
            if problem := self._problem(event, body["event_source"]):
                return f"data.{at}.{problem}"
        return None

    def _problem(self, event: Any, source: str) -> str | None:
        if not isinstance(event, dict) or not isinstance(event.get("event"), str) or not event["event"]:
            return "event: Missing data for required field."
        if "event_id" in event and not isinstance(event["event_id"], str):
            return "event_id: Not a valid string."
        at = event.get("event_time")
        age = self.clock() - at if isinstance(at, int) else None
        if age is None or not -_LATEST.total_seconds() <= age <= _OLDEST.total_seconds():
            return "event_time: must be a Unix time in seconds of the last 7 days."
        page = event.get("page") or {}
        if source == "web" and not str(page.get("url", "")).startswith(("http://", "https://")):
            return "page.url: Missing data for required field."
        return _problem_of_user(event.get("user") or {}) or _problem_of_properties(event.get("properties") or {})


def _problem_of_user(user: Mapping[str, Any]) -> str | None:
    for name in _DIGESTS:
        values = user.get(name, [])
        if not all(is_digest(value) for value in (values if isinstance(values, list) else [values])):
            return f"user.{name}: must be hashed with SHA-256."
    try:
        ip_address(user.get("ip", "192.0.2.1"))
    except ValueError:
        return "user.ip: Not a valid IP address."
    return None


def _problem_of_properties(said: Mapping[str, Any]) -> str | None:
    if "value" in said and (not isinstance(said["value"], int | float) or isinstance(said["value"], bool)):
        return "properties.value: Not a valid number."
    if "currency" in said and not _CURRENCY.fullmatch(str(said["currency"])):
        return "properties.currency: Not an ISO 4217 code."
    if "order_id" in said and not isinstance(said["order_id"], str):
        return "properties.order_id: Not a valid string."
    contents = said.get("contents", [])
    if not isinstance(contents, list) or not all(isinstance(each, dict) for each in contents):
        return "properties.contents: Not a valid list."
    if not all(isinstance(each.get("content_id", ""), str) for each in contents):
        return "properties.contents.content_id: Not a valid string."
    return None


def _said(code: int, message: str) -> Response:
    return answer(200, {"code": code, "message": message, "request_id": "sandbox", "data": {}})


if __name__ == "__main__":
    serve(TikTok())
