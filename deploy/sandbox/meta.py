"""A stand-in of Meta's Conversions API.

Rules: https://developers.facebook.com/docs/marketing-api/conversions-api/using-the-api (a batch of up to 1,000 events
succeeds or fails as a whole), …/parameters/server-event and …/parameters/customer-information-parameters (what an event
must have), https://developers.facebook.com/docs/graph-api/guides/error-handling (how errors look).
Base URL: `http://HOST:PORT/v23.0`. Any pixel of digits exists; the token is `sandbox-token`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, is_digest, serve

_BATCH = 1000
_OLDEST = timedelta(days=7)
_LATEST = timedelta(minutes=1)  # clocks differ a little
_SOURCES = frozenset(
    {
        "app",
        "business_messaging",
        "chat",
        "email",
        "other",
        "phone_call",
        "physical_store",
        "system_generated",
        "website",
    }
)
_DIGESTS = ("em", "ph", "fn", "ln", "ct", "st", "zp", "country", "db", "ge")
_PERSON = frozenset({*_DIGESTS, "external_id", "client_ip_address", "client_user_agent", "fbc", "fbp", "lead_id"})
_INVALID, _OAUTH, _THROTTLED = 100, 190, 80004
_NO_OBJECT = 33


class Meta(Standin):
    """One bad event fails the whole call, as Meta documents."""

    name = "meta"
    endpoints: ClassVar[Mapping[str, str]] = {"/{version}/{pixel}/events": "take_events"}
    window = timedelta(hours=48)

    async def take_events(self, call: Call) -> Response:
        """Take a batch of server events."""
        try:
            body = call.json()
        except ValueError:
            return _error(_INVALID, "Invalid parameter: the body is not JSON")
        refusal = self._refusal(call, body.get("access_token")) or self._refusal_of(body.get("data"))
        if refusal is not None:
            return refusal
        for event in body["data"]:
            self.take(str(event.get("event_id", id(event))), event)
        return answer(200, {"events_received": len(body["data"]), "messages": [], "fbtrace_id": "sandbox"})

    def _refusal(self, call: Call, token: str | None) -> Response | None:
        if not self.knows(call.query.get("access_token") or token or call.bearer):
            return _error(_OAUTH, "Invalid OAuth access token - Cannot parse access token", status=401)
        pixel = call.path["pixel"]
        if not pixel.isdigit():
            said = f"Unsupported post request. Object with ID '{pixel}' does not exist"
            return _error(_INVALID, said, subcode=_NO_OBJECT)
        return None

    def _refusal_of(self, data: Any) -> Response | None:
        if not isinstance(data, list) or not data:
            return _error(_INVALID, "(#100) The parameter data is required")
        if len(data) > _BATCH:
            return _error(_INVALID, f"Too many events: at most {_BATCH} may be sent in one request")
        for at, event in enumerate(data):
            if problem := self._problem(event):
                return _error(_INVALID, "Invalid parameter", told=f"data[{at}]: {problem}")
        return None

    def throttled(self, retry_after_s: int) -> Response:
        """Answer as the Graph API does to a pixel that is called too often."""
        return _error(
            _THROTTLED, "There have been too many calls to this pixel", 429, {"retry-after": f"{retry_after_s}"}
        )

    def broken(self) -> Response:
        """Answer as the Graph API does when it fails."""
        return _error(2, "Service temporarily unavailable", 500, is_transient=True)

    def _problem(self, event: Any) -> str | None:
        if not isinstance(event, dict):
            return "is not an object"
        if missing := [name for name in ("event_name", "event_time", "user_data") if not event.get(name)]:
            return f"{missing[0]} is required"
        age = self.clock() - event["event_time"] if isinstance(event["event_time"], int) else None
        if age is None or age < -_LATEST.total_seconds():
            return "event_time must be a Unix time in seconds that is not in the future"
        if age > _OLDEST.total_seconds() and event.get("action_source") != "physical_store":
            return "event_time is older than 7 days"
        return _problem_of_source(event) or _problem_of_person(event["user_data"]) or _problem_of_money(event)


def _problem_of_source(event: Mapping[str, Any]) -> str | None:
    source = event.get("action_source")
    if source not in _SOURCES:
        return "action_source is required, and one of the documented ones"
    if source == "website" and not event.get("event_source_url"):
        return "event_source_url is required for website events"
    if source == "website" and not event["user_data"].get("client_user_agent"):
        return "client_user_agent is required for website events"
    return None


def _problem_of_person(user: Mapping[str, Any]) -> str | None:
    if not _PERSON & set(user):
        return "user_data has no customer information parameter"
    for name in _DIGESTS:
        values = user.get(name, [])
        if not all(is_digest(value) for value in (values if isinstance(values, list) else [values])):
            return f"user_data.{name} must be hashed with SHA-256"
    return None


def _problem_of_money(event: Mapping[str, Any]) -> str | None:
    if event["event_name"] != "Purchase":
        return None
    custom = event.get("custom_data") or {}
    if not isinstance(custom.get("value"), int | float) or len(str(custom.get("currency", ""))) != 3:  # noqa: PLR2004 -- ISO 4217
        return "a Purchase needs custom_data.value and custom_data.currency"
    return None


def _error(
    code: int, message: str, status: int = 400, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    said: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "sandbox"}
    said |= {"error_subcode": more["subcode"]} if "subcode" in more else {}
    said |= {"error_user_msg": more["told"]} if "told" in more else {}
    said |= {"is_transient": bool(more.get("is_transient"))}
    return answer(status, {"error": said}, headers)


if __name__ == "__main__":
    serve(Meta())
