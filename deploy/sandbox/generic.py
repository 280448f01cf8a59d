"""A stand-in of any system that takes events as JSON, one a call.

Rules: https://www.standardwebhooks.com (the signature and its age), and an `Idempotency-Key` that is recognised for 24
hours, as https://docs.stripe.com/api/idempotent_requests does.
Base URL: `http://HOST:PORT/events`. The token is `sandbox-token`, as a bearer or as what a body is signed with.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import ClassVar

from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, serve

_AGE = timedelta(minutes=5)


class Generic(Standin):
    """Takes an event from whoever proves to be allowed."""

    name = "generic"
    endpoints: ClassVar[Mapping[str, str]] = {"/events": "take_event"}
    window = timedelta(hours=24)

    async def take_event(self, call: Call) -> Response:
        """Take an event."""
        if not (self.knows(call.bearer) or self._is_signed(call)):
            return answer(401, {"error": "neither a known token nor a fresh signature"})
        try:
            event = call.json()
        except ValueError:
            return answer(400, {"error": "the body is not JSON"})
        if not isinstance(event, dict) or not event.get("event"):
            return answer(422, {"error": "event is required"})
        key = call.headers.get("idempotency-key")
        if not key:
            return answer(400, {"error": "Idempotency-Key is required"})
        self.take(key, event)
        return answer(202, {"status": "accepted"})

    def _is_signed(self, call: Call) -> bool:
        moment, event_id = call.headers.get("webhook-timestamp", ""), call.headers.get("webhook-id", "")
        if not moment.isdigit() or abs(self.clock() - int(moment)) > _AGE.total_seconds():
            return False
        digest = hmac.digest(self.token.encode(), f"{event_id}.{moment}.".encode() + call.body, sha256)
        wanted = f"v1,{b64encode(digest).decode()}"
        return any(hmac.compare_digest(wanted, each) for each in call.headers.get("webhook-signature", "").split())


if __name__ == "__main__":
    serve(Generic())
