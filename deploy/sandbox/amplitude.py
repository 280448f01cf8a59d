"""A stand-in of Amplitude's HTTP V2 API.

Rules: https://amplitude.com/docs/apis/analytics/http-v2 (what an event must have, fewer than 2,000 and below 1 MB a
call, 30 events a second for one device; a refused call names its bad events by place and takes none; a repeat of an
insert_id is recognised for 7 days within a device).
Base URL: `http://HOST:PORT`. The key is `sandbox-token`.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, serve

_BYTES, _EVENTS, _ID_LENGTH = 1_000_000, 2000, 5
_NOBODY = frozenset({"anonymous", "nil", "none", "null", "n/a", "na", "unknown", "undefined", "0", "-1", "lmy47d"})
_MISSING = "Request missing required field"
_INVALID = "Invalid field values on some events"


class Amplitude(Standin):
    """A call is taken whole or not at all."""

    name = "amplitude"
    endpoints: ClassVar[Mapping[str, str]] = {"/2/httpapi": "take_events"}
    window = timedelta(days=7)

    def __init__(self, *, eps_threshold: int = 30, **frame: Any) -> None:
        super().__init__(**frame)
        self.eps_threshold = eps_threshold
        self._second = 0
        self._devices: Counter[str] = Counter()

    async def take_events(self, call: Call) -> Response:
        """Take a batch of events."""
        try:
            said = call.json()
            key, events, options = said.get("api_key"), said.get("events"), said.get("options") or {}
        except (ValueError, AttributeError):
            return _error(400, "Invalid JSON request body")
        if refused := self._refusal(call, key, events):
            return refused
        refused = _refusal_of(events, options.get("min_id_length", _ID_LENGTH))
        return refused or self._too_fast(events) or self._taken(events, len(call.body))

    def _refusal(self, call: Call, key: str | None, events: Any) -> Response | None:
        if not key:
            return _error(400, _MISSING, missing_field="api_key")
        if not self.knows(key):
            return _error(400, f"Invalid API key: {key}")
        if not isinstance(events, list) or not events:
            return _error(400, _MISSING, missing_field="events")
        if len(call.body) > _BYTES or len(events) > _EVENTS:
            return _error(413, "Payload too large")
        return None

    def throttled(self, retry_after_s: int) -> Response:  # noqa: ARG002 -- Amplitude does not say for how long
        """Answer as Amplitude does when it is asked too fast."""
        return _error(429, "Too many requests for some devices and users", eps_threshold=self.eps_threshold)

    def _too_fast(self, events: Sequence[Mapping[str, Any]]) -> Response | None:
        if int(self.clock()) != self._second:
            self._second, self._devices = int(self.clock()), Counter()
        mine = [str(each.get("device_id") or each.get("user_id")) for each in events]
        fast = {
            device: number for device, number in (self._devices + Counter(mine)).items() if number > self.eps_threshold
        }
        places = [at for at, device in enumerate(mine) if device in fast]
        if not places:
            self._devices.update(mine)
            return None
        return _error(
            429,
            "Too many requests for some devices and users",
            eps_threshold=self.eps_threshold,
            throttled_devices=fast,
            throttled_users={},
            throttled_events=places,
        )

    def _taken(self, events: Sequence[Mapping[str, Any]], size: int) -> Response:
        for each in events:
            self.take(str(each.get("insert_id", id(each))), each)
        told = {"events_ingested": len(events), "payload_size_bytes": size}
        return answer(200, {"code": 200, **told, "server_upload_time": int(self.clock() * 1000)})


def _refusal_of(events: Sequence[Any], shortest: int) -> Response | None:
    missing: dict[str, list[int]] = defaultdict(list)
    invalid: dict[str, list[int]] = defaultdict(list)
    short: dict[str, list[int]] = defaultdict(list)
    for at, each in enumerate(events):
        if not isinstance(each, dict) or not each.get("event_type"):
            missing["event_type"].append(at)
            continue
        if not (each.get("user_id") or each.get("device_id")):
            missing["user_id"].append(at)
        if not isinstance(each.get("time", 0), int) or each.get("time", 1) <= 0:
            invalid["time"].append(at)
        for name in ("user_id", "device_id"):
            if name in each and len(str(each[name])) < shortest:
                short[name].append(at)
            if str(each.get(name, "")).lower() in _NOBODY:
                invalid[name].append(at)
    if missing:
        return _error(400, _MISSING, events_with_missing_fields=dict(missing))
    if short:
        return _error(400, "Invalid id length for user_id or device_id", events_with_invalid_id_lengths=dict(short))
    return _error(400, _INVALID, events_with_invalid_fields=dict(invalid)) if invalid else None


def _error(code: int, message: str, **more: Any) -> Response:
    return answer(code, {"code": code, "error": message, **more})


if __name__ == "__main__":
    serve(Amplitude())
