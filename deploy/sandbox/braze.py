"""A stand-in of Braze's endpoint for what users did.

Rules: https://www.braze.com/docs/api/endpoints/user_data/post_user_track (at most 75 objects, 201),
https://www.braze.com/docs/api/objects_filters/event_object and …/purchase_object (what each must have),
https://www.braze.com/docs/api/errors (minor errors by list and place beside the rest, which is taken; fatal ones).
A repeat is not recognised: each is another conversion.
Base URL: `http://HOST:PORT`. The key is `sandbox-token`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, serve

_BYTES, _OBJECTS, _NAME_LENGTH = 4_000_000, 75, 255
_LISTS = ("attributes", "events", "purchases")
_WHOSE = ("external_id", "user_alias", "braze_id", "email", "phone")
_NOTHING = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."


class Braze(Standin):
    """What is bad is told by its place, and the rest is taken."""

    name = "braze"
    endpoints: ClassVar[Mapping[str, str]] = {"/users/track": "track"}
    window = timedelta()

    async def track(self, call: Call) -> Response:
        """Take events and purchases."""
        if not self.knows(call.bearer):
            return answer(401, {"message": "Invalid API key"})
        if len(call.body) > _BYTES:
            return answer(413, {"message": "The request is larger than 4 MB"})
        try:
            said = call.json()
            lists = {name: list(said.get(name) or []) for name in _LISTS}
        except (ValueError, AttributeError, TypeError):
            return answer(400, {"message": "Unable to parse JSON"})
        if sum(map(len, lists.values())) > _OBJECTS:
            return answer(400, {"message": f"More than {_OBJECTS} objects were provided"})
        return self._taken(lists)

    def throttled(self, retry_after_s: int) -> Response:
        """Answer as Braze does when it is asked too fast."""
        headers = {"retry-after": str(retry_after_s), "x-ratelimit-remaining": "0"}
        return answer(429, {"message": "Rate limit exceeded"}, headers)

    def _taken(self, lists: Mapping[str, list[Any]]) -> Response:
        errors, taken = [], dict.fromkeys(_LISTS, 0)
        for name, listed in lists.items():
            for at, each in enumerate(listed):
                if problem := _problem(name, each):
                    errors.append({"type": problem, "input_array": name, "index": at})
                    continue
                taken[name] += 1
                self.take(str((each.get("properties") or {}).get("event_id", id(each))), each)
        told = {"errors": errors} if errors else {}
        if not any(taken.values()):
            return answer(400, {"message": _NOTHING, **told})
        processed = {f"{name}_processed": number for name, number in taken.items() if number}
        return answer(201, {"message": "success", **processed, **told})


def _problem(kind: str, each: Any) -> str | None:
    if not isinstance(each, dict):
        return "an object was expected"
    if sum(bool(each.get(name)) for name in _WHOSE) != 1:
        return "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required, and only one of them"
    if kind == "attributes":
        return None
    try:
        datetime.fromisoformat(each["time"])
    except (KeyError, TypeError, ValueError):
        return "'time' is not valid"
    return _problem_of_event(each) if kind == "events" else _problem_of_purchase(each)


def _problem_of_event(event: Mapping[str, Any]) -> str | None:
    return None if 0 < len(str(event.get("name") or "")) <= _NAME_LENGTH else "'name' is not valid"


def _problem_of_purchase(purchase: Mapping[str, Any]) -> str | None:
    if not 0 < len(str(purchase.get("product_id") or "")) <= _NAME_LENGTH:
        return "'product_id' is not valid"
    if len(str(purchase.get("currency") or "")) != 3:  # noqa: PLR2004 -- ISO 4217
        return "'currency' is not valid"
    if not isinstance(purchase.get("price"), int | float) or isinstance(purchase.get("price"), bool):
        return "'price' is not valid"
    return None


if __name__ == "__main__":
    serve(Braze())
