"""What every stand-in has: an account, a memory of what it was told, and faults on request. A vendor adds its rules.

A vendor's module has one subclass, whose `endpoints` name the vendor's paths:

    class Acme(Standin):
        name = "acme"
        endpoints = {"/v1/{pixel}/events": "events"}

        async def events(self, call: Call) -> Response:
            if not self.knows(call.bearer):
                return answer(401, {"error": "bad token"})
            for event in call.json()["data"]:
                self.take(event["id"], event)
            return answer(200, {"taken": len(call.json()["data"])})

    if __name__ == "__main__":
        serve(Acme())
"""

import argparse
import asyncio
import random
import re
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, ClassVar

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

#: The token, key or secret that a stand-in takes unless it is told another one.
TOKEN = "sandbox-token"  # noqa: S105 -- it opens nothing

_HEX64 = re.compile(r"[0-9a-f]{64}")


@dataclass
class Faults:
    """What a stand-in does wrong from now on; rates are shares of all calls, between 0 and 1.

    A 500 comes, turn by turn, before and after the work is done. A hang does the work, and keeps the answer back.
    """

    latency_ms: float = 0
    error_rate_500: float = 0
    error_rate_429: float = 0
    retry_after_s: int = 1
    hang_rate: float = 0
    hang_s: float = 60
    down: bool = False
    seed: int | None = None


@dataclass
class Taken:
    """An event as it was taken: `count` is how often it was sent, `conversions` how often it was counted."""

    id: str
    event: Any
    first_at: float
    last_at: float
    count: int = 1
    conversions: int = 1


@dataclass(frozen=True)
class Call:
    """A request to a vendor's endpoint."""

    request: Request
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON; raises ValueError."""
        return orjson.loads(self.body)

    @property
    def path(self) -> Mapping[str, str]:
        """What stands in the path's braces."""
        return self.request.path_params

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters."""
        return self.request.query_params

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by any case."""
        return self.request.headers

    @property
    def bearer(self) -> str:
        """The token of `Authorization: Bearer …`, or nothing."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass
class _Memory:
    events: dict[str, Taken] = field(default_factory=dict)
    dropped: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Standin:
    """A vendor's API: what it takes is remembered by id, and may be asked for under `/_sandbox`."""

    name: ClassVar[str] = "vendor"
    endpoints: ClassVar[Mapping[str, str]] = {}
    """Path → name of the method that answers a POST to it; another verb stands before the path, as in `GET /v1/me`."""
    window: ClassVar[timedelta] = timedelta(hours=48)
    """For how long the vendor recognises the repeat of an id."""

    def __init__(self, *, token: str = TOKEN, clock: Callable[[], float] = time.time) -> None:
        self.token = token
        self.clock = clock
        self.faults = Faults()
        self._random = random.Random()
        self._errors = 0
        self._memory = _Memory()
        control = [
            Route("/_sandbox/events", self._tell_events, methods=["GET"]),
            Route("/_sandbox/dropped", self._tell_dropped, methods=["GET"]),
            Route("/_sandbox/counts", self._tell_counts, methods=["GET"]),
            Route("/_sandbox/faults", self._set_faults, methods=["POST"]),
            Route("/_sandbox", self._forget, methods=["DELETE"]),
        ]
        own = [self._route(path, method) for path, method in self.endpoints.items()]
        self.app = Starlette(routes=[*control, *own])

    def knows(self, token: str | None) -> bool:
        """Tell whether a token is the one that is taken."""
        return token == self.token

    def take(self, downstream_id: str, event: Any, *, recognises: bool = True) -> bool:
        """Remember an accepted event; False for a repeat within the window, which is taken and not counted again.

        Where a vendor does not recognise repeats of such an event, each counts.
        """
        now = self.clock()
        known = self._memory.events.get(downstream_id)
        if known is None:
            self._memory.events[downstream_id] = Taken(downstream_id, event, now, now)
            return True
        is_new = not recognises or now - known.last_at > self.window.total_seconds()
        known.count += 1
        known.conversions += is_new
        known.last_at = now
        return is_new

    def drop(self, reason: str, event: Any) -> None:
        """Remember what was answered like a success and thrown away, as some vendors do."""
        self._memory.dropped.append({"reason": reason, "event": event})

    def dropped(self) -> list[dict[str, Any]]:
        """Return what was thrown away in silence, with the reasons."""
        return self._memory.dropped

    def events(self) -> list[Taken]:
        """Return what was taken, in the order of arrival."""
        return list(self._memory.events.values())

    def counts(self) -> dict[str, int]:
        """Return the number of calls, of events taken (repeats too), of ids, repeats, refused calls and faults."""
        taken = self.events()
        said = sum(each.count for each in taken)
        counted = self._memory.counts
        return {
            "calls": counted["calls"],
            "events": said,
            "ids": len(taken),
            "conversions": sum(each.conversions for each in taken),
            "repeats": said - len(taken),
            "refused": counted["refused"],
            "dropped": len(self._memory.dropped),
            "faults": counted["faults"],
        }

    def set_faults(self, **values: Any) -> None:
        """Do this wrong from now on, and nothing else."""
        self.faults = Faults(**values)
        if self.faults.seed is not None:
            self._random.seed(self.faults.seed)

    def forget(self) -> None:
        """Forget all that was told, and every fault."""
        self._memory = _Memory()
        self.faults = Faults()

    def throttled(self, retry_after_s: int) -> Response:
        """Answer as the vendor does when it is asked too fast."""
        return answer(429, {"error": "too many requests"}, {"retry-after": str(retry_after_s)})

    def broken(self) -> Response:
        """Answer as the vendor does when something of its own fails."""
        return answer(500, {"error": "internal error"})

    def unavailable(self) -> Response:
        """Answer as whatever stands before the vendor does while it is down: not in JSON."""
        return Response("<html><h1>503 Service Unavailable</h1></html>", 503, media_type="text/html")

    def _route(self, path: str, method: str) -> Route:
        verb, _, rest = path.rpartition(" ")
        return Route(rest, self._faulty(getattr(self, method)), methods=[verb or "POST"])

    def _faulty(self, method: Callable[[Call], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            faults, chance = self.faults, self._random.random()
            self._memory.counts["calls"] += 1
            await asyncio.sleep(faults.latency_ms / 1000)
            if self.faults.down:
                return self._fault(self.unavailable())
            if chance < faults.error_rate_429:
                return self._fault(self.throttled(faults.retry_after_s))
            chance -= faults.error_rate_429
            is_error = 0 <= chance < faults.error_rate_500
            if is_error and self._is_before_work():
                return self._fault(self.broken())
            answered = await method(Call(request, body))
            if is_error:
                return self._fault(self.broken())
            if 0 <= chance - faults.error_rate_500 < faults.hang_rate:
                self._memory.counts["faults"] += 1
                await asyncio.sleep(faults.hang_s)
            self._memory.counts["refused"] += answered.status_code >= 400  # noqa: PLR2004 -- RFC 9110, 15.5
            return answered

        return endpoint

    def _is_before_work(self) -> bool:
        self._errors += 1
        return self._errors % 2 == 1

    def _fault(self, response: Response) -> Response:
        self._memory.counts["faults"] += 1
        return response

    async def _tell_events(self, request: Request) -> Response:  # noqa: ARG002 -- Starlette's
        told = [
            {"id": each.id, "count": each.count, "conversions": each.conversions}
            | {"first_at": each.first_at, "last_at": each.last_at, "event": each.event}
            for each in self.events()
        ]
        return answer(200, told)

    async def _tell_dropped(self, request: Request) -> Response:  # noqa: ARG002 -- Starlette's
        return answer(200, self.dropped())

    async def _tell_counts(self, request: Request) -> Response:  # noqa: ARG002 -- Starlette's
        return answer(200, self.counts())

    async def _set_faults(self, request: Request) -> Response:
        wanted = orjson.loads(await request.body())
        if unknown := set(wanted) - {each.name for each in fields(Faults)}:
            return answer(422, {"unknown": sorted(unknown)})
        self.set_faults(**wanted)
        return answer(200, wanted)

    async def _forget(self, request: Request) -> Response:  # noqa: ARG002 -- Starlette's
        self.forget()
        return Response(status_code=204)


def answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer in JSON."""
    return Response(orjson.dumps(body), status, dict(headers or {}), media_type="application/json")


def is_digest(value: Any) -> bool:
    """Tell whether a value is a SHA-256 digest as vendors want it: 64 hex digits in lower case."""
    return isinstance(value, str) and _HEX64.fullmatch(value) is not None


def server_of(standin: Standin) -> uvicorn.Server:
    """Return the server of a stand-in; it is given its socket when it is started."""
    config = uvicorn.Config(
        standin.app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    return uvicorn.Server(config)


def bound(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """Return a listening socket; port 0 is any that is free."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(2048)
    return listener


def serve(standin: Standin) -> None:
    """Run a stand-in as the command line says, and print its address."""
    parser = argparse.ArgumentParser(
        prog=f"python -m deploy.sandbox.{standin.name}",
        description=f"A stand-in of {standin.name}. Ask it under /_sandbox/events and /_sandbox/counts; "
        "POST /_sandbox/faults makes it slow or faulty; DELETE /_sandbox makes it forget.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="the port to listen at (default: any that is free)")
    parser.add_argument("--token", default=standin.token, help="the token that is taken (default: %(default)s)")
    wanted = parser.parse_args()
    standin.token = wanted.token
    listener = bound(wanted.host, wanted.port)
    host, port = listener.getsockname()[:2]
    print(f"{standin.name} at http://{host}:{port}", flush=True)  # noqa: T201 -- what the one who starts it waits for
    server_of(standin).run(sockets=[listener])
