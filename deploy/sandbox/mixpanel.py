"""A stand-in of Mixpanel's import of events.

Rules: https://docs.mixpanel.com/reference/import-events (at most 2,000 events and 10 MB; Basic with the project's token
as the name; with strict=1 what is bad is told by its place, and the rest is taken),
https://docs.mixpanel.com/troubleshooting/errors/400-bad-request (which events are bad),
https://docs.mixpanel.com/reference/event-deduplication (name, time, person and $insert_id make an event the same).
Base URL: `http://HOST:PORT`. The token is `sandbox-token`.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

import orjson
from starlette.responses import Response

from deploy.sandbox.segment import user_of
from deploy.sandbox.standin import Call, Standin, answer, serve

_BYTES, _EVENTS, _EVENT_BYTES, _PROPERTIES = 10_000_000, 2000, 1_000_000, 255
_INSERT_ID = re.compile(r"[A-Za-z0-9-]{1,36}")
_NOBODY = frozenset({"anon", "anonymous", "nil", "none", "null", "n/a", "00000000-0000-0000-0000-000000000000"})
_EARLIEST = 365 * 24 * 3600  # 1971-01-01
_LATEST = timedelta(hours=1)
_FIRST_MILLISECONDS = 10**11


class Mixpanel(Standin):
    """A bad event costs its neighbours nothing."""

    name = "mixpanel"
    endpoints: ClassVar[Mapping[str, str]] = {"/import": "take_events"}
    window = timedelta(days=3650)  # when it is asked for, whatever its age

    async def take_events(self, call: Call) -> Response:
        """Take a batch of events."""
        if not self.knows(user_of(call.headers.get("authorization", ""))):
            return _error(401, "Invalid credentials", "Unauthorized")
        if len(call.body) > _BYTES:
            return _error(413, f"request exceeds max limit of {_BYTES} bytes", "Request Entity Too Large")
        try:
            events = call.json()
        except ValueError:
            events = None
        if not isinstance(events, list):
            return _error(400, "invalid JSON", "Bad Request")
        if len(events) > _EVENTS:
            return _error(413, f"request exceeds max limit of {_EVENTS} events", "Request Entity Too Large")
        return self._taken(events, is_strict=call.query.get("strict", "0") == "1")

    def throttled(self, retry_after_s: int) -> Response:  # noqa: ARG002 -- Mixpanel does not say for how long
        """Answer as Mixpanel does when it is asked too fast."""
        said = "Project exceeded rate limits. Please retry the request with exponential backoff."
        return _error(429, said, "Too Many Requests")

    def _taken(self, events: list[Any], *, is_strict: bool) -> Response:
        failed = []
        for at, each in enumerate(events):
            if problem := self._problem(each):
                insert_id = each.get("properties", {}).get("$insert_id") if isinstance(each, dict) else None
                failed.append({"index": at, "insert_id": insert_id, "field": problem[0], "message": problem[1]})
                continue
            known = each["properties"]
            self.take(
                "|".join(map(str, (each["event"], known["time"], known["distinct_id"], known["$insert_id"]))), each
            )
        told = {"num_records_imported": len(events) - len(failed)}
        if failed and is_strict:
            said = "some data points in the request failed validation"
            return answer(400, {"code": 400, "error": said, "status": "Bad Request", **told, "failed_records": failed})
        return answer(200, {"code": 200, "status": "OK", **told})

    def _problem(self, event: Any) -> tuple[str, str] | None:
        if not isinstance(event, dict) or not event.get("event"):
            return "event", "'event' is invalid: must not be empty"
        known = event.get("properties")
        if not isinstance(known, dict) or len(known) >= _PROPERTIES or len(orjson.dumps(event)) >= _EVENT_BYTES:
            return "properties", "'properties' is invalid: must be an object with fewer than 255 properties"
        if not _INSERT_ID.fullmatch(str(known.get("$insert_id", ""))):
            return "properties.$insert_id", "'properties.$insert_id' is invalid: must be 36 letters, digits or dashes"
        if "distinct_id" not in known or str(known["distinct_id"]).lower() in _NOBODY:
            return "properties.distinct_id", "'properties.distinct_id' is invalid: must not be a placeholder"
        return None if self._is_time(known.get("time")) else ("properties.time", "'properties.time' is invalid")

    def _is_time(self, said: Any) -> bool:
        if not isinstance(said, int | float):
            return False
        seconds = said / 1000 if said >= _FIRST_MILLISECONDS else said
        return _EARLIEST <= seconds <= self.clock() + _LATEST.total_seconds()


def _error(code: int, message: str, status: str) -> Response:
    return answer(code, {"code": code, "error": message, "status": status})


if __name__ == "__main__":
    serve(Mixpanel())
