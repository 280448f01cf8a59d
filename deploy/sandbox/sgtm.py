"""A stand-in of a storefront's tagging server (server-side Google Tag Manager).

A request is answered by the client that claims it: https://developers.google.com/tag-platform/tag-manager/server-side/intro.
Here are two: the Measurement Protocol's on `/mp/collect`, which takes what Google Analytics would take and answers 204,
and a custom one on `/collect` and `/ingest`, which wants the shared secret in the header `x-relay-key` and JSON with an
`event_name`. What no client claims is answered 400. Behind both a tag recognises repeats by event id for 48 hours.
Base URL: `http://HOST:PORT`. The secret is `sandbox-token`, as `api_secret` or in the header.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from starlette.responses import Response

from deploy.sandbox.ga4 import problems_of, take_hit
from deploy.sandbox.standin import Call, Standin, answer, serve

_KEY = "x-relay-key"


class Sgtm(Standin):
    """A container with a client for the Measurement Protocol and a custom one."""

    name = "sgtm"
    endpoints: ClassVar[Mapping[str, str]] = {
        "/mp/collect": "collect",
        "/collect": "custom",
        "/ingest": "custom",
        "/{rest:path}": "unclaimed",
    }
    window = timedelta(hours=48)

    async def collect(self, call: Call) -> Response:
        """Claim a hit of the Measurement Protocol; what the property would drop is dropped."""
        body = _json(call)
        problems = problems_of(body, self.clock())
        if not self.knows(call.query.get("api_secret")):
            self.drop("unknown api_secret", body)
        elif problems:
            self.drop(problems[0]["description"], body)
        else:
            take_hit(self, body, recognises=True)
        return Response(status_code=204)

    async def custom(self, call: Call) -> Response:
        """Claim an event in the storefront's own shape."""
        if not self.knows(call.headers.get(_KEY)):
            return answer(403, {"error": f"the header {_KEY} is missing or wrong"})
        body = _json(call)
        if not isinstance(body, dict) or not body.get("event_name"):
            return answer(400, {"error": "event_name is required"})
        self.take(str(body.get("event_id") or id(body)), body)
        return answer(200, {"ok": True})

    async def unclaimed(self, call: Call) -> Response:  # noqa: ARG002 -- every endpoint is given its call
        """Answer what no client has claimed."""
        return Response(status_code=400)


def _json(call: Call) -> Any:
    try:
        return call.json()
    except ValueError:
        return None


if __name__ == "__main__":
    serve(Sgtm())
