"""A stand-in of Pinterest's API for Conversions, version 5.

Rules: https://developers.pinterest.com/docs/api/v5/events-create (fields, statuses, the test mode) and
https://developers.pinterest.com/docs/api-features/conversion-overview/ (events by name; a bad event of a call is failed
alone). Where no event of a call is processed, it is answered 422 with the same counts as details.
Base URL: `http://HOST:PORT/v5`. Any ad account of digits exists, those that begin with 999 belong to someone else; the
token is `sandbox-token`. With `?test=true` events are checked and not counted.
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
_OFFLINE = "offline"
_SOURCES = frozenset({"app_android", "app_ios", "web", _OFFLINE})
_NAMES = frozenset(
    {
        "add_payment_info",
        "add_to_cart",
        "add_to_wishlist",
        "app_install",
        "app_open",
        "checkout",
        "contact",
        "custom",
        "customize_product",
        "find_location",
        "initiate_checkout",
        "lead",
        "page_visit",
        "schedule",
        "search",
        "signup",
        "start_trial",
        "submit_application",
        "subscribe",
        "view_category",
        "view_content",
        "watch_video",
    }
)
_DIGESTS = ("em", "ph", "ge", "db", "ln", "fn", "ct", "st", "zp", "country", "external_id", "hashed_maids")
_ACCOUNT = re.compile(r"\d{1,18}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_INVALID, _UNKNOWN_TOKEN, _FORBIDDEN, _THROTTLED, _PARTIAL = 1, 2, 29, 8, 4196


class Pinterest(Standin):
    """Every event of a call is judged alone."""

    name = "pinterest"
    endpoints: ClassVar[Mapping[str, str]] = {"/v5/ad_accounts/{account}/events": "create_events"}
    window = timedelta(hours=24)

    async def create_events(self, call: Call) -> Response:
        """Take those events of a batch that are good."""
        refusal = self._refusal(call)
        if refusal is not None:
            return refusal
        data = call.json()["data"]
        problems = [self._problem(event) for event in data]
        if call.query.get("test") != "true":
            for event in (event for event, problem in zip(data, problems, strict=True) if problem is None):
                self._count(event)
        counts = {
            "num_events_received": len(data),
            "num_events_processed": problems.count(None),
            "events": [_status(problem) for problem in problems],
        }
        if counts["num_events_processed"]:
            return answer(200, counts)
        return answer(
            422, {"code": _PARTIAL, "message": "Not all events were successfully processed.", "details": counts}
        )

    def throttled(self, retry_after_s: int) -> Response:
        """Answer as Pinterest does to who exceeds a rate limit."""
        return _error(429, _THROTTLED, "This request exceeded a rate limit.", {"retry-after": f"{retry_after_s}"})

    def broken(self) -> Response:
        """Answer as Pinterest does when it fails."""
        return _error(500, _INVALID, "Something went wrong on our end. Sorry about that.")

    def _count(self, event: Mapping[str, Any]) -> None:
        """Count a conversion; of offline events no repeat is recognised."""
        is_new = self.take(event["event_id"], event)
        if event["action_source"] == _OFFLINE and not is_new:
            self._memory.events[event["event_id"]].conversions += 1

    def _refusal(self, call: Call) -> Response | None:
        if not self.knows(call.bearer):
            return _error(401, _UNKNOWN_TOKEN, "Authentication failed.")
        account = call.path["account"]
        if not _ACCOUNT.fullmatch(account):
            return _error(400, _INVALID, f"Invalid request: '{account}' does not match '^\\d+$'")
        if account.startswith("999"):
            return _error(403, _FORBIDDEN, "You are not permitted to access that resource.")
        try:
            data = call.json()["data"]
        except (ValueError, KeyError, TypeError):
            return _error(400, _INVALID, "Invalid request: 'data' is a required property")
        if not isinstance(data, list) or not 0 < len(data) <= _BATCH:
            return _error(400, _INVALID, f"Invalid request: data must have between 1 and {_BATCH} items")
        return None

    def _problem(self, event: Any) -> str | None:
        if not isinstance(event, dict):
            return "Invalid event: not an object."
        name = event.get("event_name")
        if name not in _NAMES:
            return (
                f"Invalid event_name: {name}. Use a supported conversion event_name (for example subscribe, checkout)."
            )
        if event.get("action_source") not in _SOURCES:
            return f"Invalid action_source: {event.get('action_source')}."
        if not isinstance(event.get("event_id"), str) or not event["event_id"]:
            return "Missing event_id."
        at = event.get("event_time")
        age = self.clock() - at if isinstance(at, int) else None
        if age is None or not -_LATEST.total_seconds() <= age <= _OLDEST.total_seconds():
            return "Invalid event_time: seconds since 1970, not in the future, at most 7 days ago."
        return _problem_of_person(event.get("user_data") or {}) or _problem_of_custom(event.get("custom_data") or {})


def _problem_of_person(user: Mapping[str, Any]) -> str | None:
    for name in _DIGESTS:
        values = user.get(name, [])
        if not isinstance(values, list) or not all(is_digest(value) for value in values):
            return f"Invalid user_data.{name}: must be an array of SHA-256 hashes."
    has_browser = user.get("client_ip_address") and user.get("client_user_agent")
    if not (user.get("em") or user.get("hashed_maids") or has_browser):
        return "Missing user_data: em, hashed_maids, or client_ip_address with client_user_agent."
    return None


def _problem_of_custom(said: Mapping[str, Any]) -> str | None:
    if "value" in said and not (isinstance(said["value"], str) and _NUMBER.fullmatch(said["value"])):
        return "Invalid custom_data.value: must be a number as a string."
    if "num_items" in said and not isinstance(said["num_items"], int):
        return "Invalid custom_data.num_items: must be an integer."
    for content in said.get("contents", []):
        price = content.get("item_price", "0")
        if not (isinstance(price, str) and _NUMBER.fullmatch(price)):
            return "Invalid custom_data.contents.item_price: must be a number as a string."
    return None


def _status(problem: str | None) -> dict[str, Any]:
    status = "processed" if problem is None else "failed"
    return {"status": status, "error_message": problem, "warning_message": None}


def _error(status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return answer(status, {"code": code, "message": message}, headers)


if __name__ == "__main__":
    serve(Pinterest())
