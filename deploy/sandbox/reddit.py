"""A stand-in of Reddit's Conversions API, version 3.

Rules: https://ads-api.reddit.com/docs/v3/operations/Post%20Conversion%20Events and that site's guide to a direct
integration (fields, hashing, errors; up to 1,000 events, of which one bad one fails all; within 7 days; repeats of a
conversion id are recognised for 2 days). A field that Reddit does not know is refused.
Base URL: `http://HOST:PORT/api/v3`. Any pixel exists, those that begin with `other` belong to someone else; the token
is `sandbox-token`. Calls with a `test_id` are checked and not counted.
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
_SOURCES = frozenset({"WEBSITE", "APP", "PHYSICAL_STORE", "OTHER"})
_TYPES = frozenset(
    {
        "ADD_TO_CART",
        "ADD_TO_WISHLIST",
        "CUSTOM",
        "LEAD",
        "PAGE_VISIT",
        "PURCHASE",
        "SEARCH",
        "SIGN_UP",
        "VIEW_CONTENT",
    }
)
_CUSTOM_NAME = 64
_EVENT = frozenset({"event_at", "action_source", "event_source_url", "type", "click_id", "user", "metadata"})
_USER = frozenset(
    {
        "aaid",
        "data_processing_options",
        "email",
        "external_id",
        "idfa",
        "ip_address",
        "phone_number",
        "screen_dimensions",
        "user_agent",
        "uuid",
    }
)
_METADATA = frozenset({"conversion_id", "currency", "value", "item_count", "products"})
_KEYS = ("email", "phone_number", "external_id", "uuid", "ip_address", "idfa", "aaid")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"\+\d{7,15}")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Reddit(Standin):
    """One bad event fails the whole call, and the answer says how many were bad, not which."""

    name = "reddit"
    endpoints: ClassVar[Mapping[str, str]] = {"/api/v3/pixels/{pixel}/conversion_events": "post_events"}
    window = timedelta(days=2)

    async def post_events(self, call: Call) -> Response:
        """Take a batch of conversion events."""
        refusal = self._refusal_of_account(call) or self._refusal_of_events(call)
        if refusal is not None:
            return refusal
        data = call.json()["data"]
        if not data.get("test_id"):
            for event in data["events"]:
                self.take(str((event.get("metadata") or {}).get("conversion_id", id(event))), event)
        return answer(200, {"data": {"message": f"Successfully processed {len(data['events'])} conversion events."}})

    def throttled(self, retry_after_s: int) -> Response:
        """Answer as Reddit does to who sends too much."""
        return _error(429, "Too many requests/events within timeframe.", {"retry-after": f"{retry_after_s}"})

    def broken(self) -> Response:
        """Answer as Reddit does when it fails."""
        return _error(500, "The service is currently unavailable. No conversion events were processed.")

    def _refusal_of_account(self, call: Call) -> Response | None:
        if not call.bearer:
            return _error(401, "No bearer token provided")
        if not self.knows(call.bearer):
            return _error(401, "UNAUTHORIZED")
        pixel = call.path["pixel"]
        if pixel.startswith("other"):
            return _error(403, f"You're not authorized to post conversions to Pixel ID {pixel}.")
        return None

    def _refusal_of_events(self, call: Call) -> Response | None:
        try:
            events = call.json()["data"]["events"]
        except (ValueError, KeyError, TypeError):
            return _error(400, "Bad Request")
        if not isinstance(events, list) or not 0 < len(events) <= _BATCH:
            return _error(400, "Bad Request")
        if unknown := _unknown_field(events):
            return _error(400, f'JSON error "unknown field" on field "{unknown}"')
        if bad := sum(self._is_bad(event) for event in events):
            return _error(400, f"There were {bad} invalid conversion events. None were processed.")
        return None

    def _is_bad(self, event: Mapping[str, Any]) -> bool:
        at = event.get("event_at")
        age = self.clock() - at / 1000 if isinstance(at, int) else None
        is_timely = age is not None and -_LATEST.total_seconds() <= age <= _OLDEST.total_seconds()
        user = event.get("user") or {}
        has_key = bool(event.get("click_id")) or any(user.get(name) for name in _KEYS)
        return not (
            is_timely
            and has_key
            and event.get("action_source") in _SOURCES
            and _is_type(event.get("type"))
            and _is_user(user)
            and _is_metadata(event.get("metadata") or {})
        )


def _unknown_field(events: list[Any]) -> str | None:
    for event in events:
        if not isinstance(event, dict):
            return "events"
        parts = ((event, _EVENT), (event.get("user"), _USER), (event.get("metadata"), _METADATA))
        for part, known in parts:
            if unknown := sorted(set(part or {}) - known):
                return str(unknown[0])
    return None


def _is_type(said: Any) -> bool:
    if not isinstance(said, dict) or said.get("tracking_type") not in _TYPES:
        return False
    name = said.get("custom_event_name", "")
    return said["tracking_type"] != "CUSTOM" or (isinstance(name, str) and 0 < len(name) <= _CUSTOM_NAME)


def _is_user(user: Mapping[str, Any]) -> bool:
    """Tell whether the match keys are digests, or plain as Reddit would hash them itself."""
    email, phone = user.get("email"), user.get("phone_number")
    return (email is None or is_digest(email) or _EMAIL.fullmatch(str(email)) is not None) and (
        phone is None or is_digest(phone) or _PHONE.fullmatch(str(phone)) is not None
    )


def _is_metadata(said: Mapping[str, Any]) -> bool:
    if ("value" in said) != ("currency" in said):
        return False
    if "value" in said:
        is_money = isinstance(said["value"], int | float) and _CURRENCY.fullmatch(str(said["currency"])) is not None
        if not is_money:
            return False
    products = said.get("products", [])
    return isinstance(products, list) and all(isinstance(each, dict) and each.get("id") for each in products)


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return answer(status, {"error": {"code": status, "message": message}}, headers)


if __name__ == "__main__":
    serve(Reddit())
