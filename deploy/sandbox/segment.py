"""A stand-in of Segment's HTTP Tracking API.

Rules: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ (a batch is at most 500 KB, an
event 32 KB, else 400; everything else is answered 200, also what is then dropped: an unknown write key, an event
without a name or a user), https://segment.com/docs/guides/duplicate-data/ (a messageId is recognised for 24 hours).
Base URL: `http://HOST:PORT/v1`. The write key is `sandbox-token`. What was dropped is told under
`/_sandbox/dropped`.
"""

from base64 import b64decode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

import orjson
from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, serve

_BATCH_BYTES, _EVENT_BYTES = 500_000, 32_000
_ID_LENGTH = 100  # https://github.com/segmentio/segment-docs/issues/5924


class Segment(Standin):
    """Says yes to everything that it can read."""

    name = "segment"
    endpoints: ClassVar[Mapping[str, str]] = {"/v1/batch": "take_batch"}
    window = timedelta(hours=24)

    async def take_batch(self, call: Call) -> Response:
        """Take a batch of calls."""
        try:
            batch = call.json()["batch"]
        except (ValueError, KeyError, TypeError):
            return _bad("malformed JSON")
        if not isinstance(batch, list) or len(call.body) > _BATCH_BYTES:
            return _bad("batch is no list, or larger than 500KB")
        if any(len(orjson.dumps(each)) > _EVENT_BYTES for each in batch):
            return _bad("Exceeded maximum message size of 32KB")
        is_known = self.knows(user_of(call.headers.get("authorization", "")))
        for each in batch:
            if problem := _problem(each) if is_known else "unknown write key":
                self.drop(problem, each)
            else:
                self.take(each["messageId"], each)
        return answer(200, {"success": True})


def user_of(header: str) -> str:
    """Return the name of `Authorization: Basic …`, or nothing."""
    scheme, _, packed = header.partition(" ")
    try:
        return b64decode(packed).decode().partition(":")[0] if scheme.lower() == "basic" else ""
    except ValueError:
        return ""


def _problem(event: Any) -> str | None:
    if not isinstance(event, dict) or event.get("type") != "track" or not event.get("event"):
        return "a track call needs an event"
    if not (event.get("userId") or event.get("anonymousId")):
        return "userId or anonymousId is required"
    if len(str(event.get("messageId") or "")) not in range(1, _ID_LENGTH + 1):
        return "messageId is longer than 100 characters, or missing"
    return None


def _bad(message: str) -> Response:
    return answer(400, {"success": False, "message": message})


if __name__ == "__main__":
    serve(Segment())
