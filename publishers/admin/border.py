"""What happens to every request before and after its route: who it is, how large it is, headers, metrics, log, bugs."""

import asyncio
from typing import Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from brokers import metrics
from publishers.admin.errors import Refusal, forbidden, on_bug
from publishers.admin.people import People, Person, Role
from publishers.gateway import docs
from publishers.gateway.call import Call, begin

log = structlog.get_logger()

#: Exact paths, for reading only: probes and Prometheus show no password, and learn nothing but counts.
OPEN_PATHS: Final = frozenset({"/", "/health/live", "/health/ready", "/metrics"})
#: Where the person who calls is kept for the routes.
PERSON: Final = "mesh.person"

#: A credential of a few kilobytes is the largest thing that anybody has to say here.
MOST_BYTES: Final = 1024 * 1024
_WITHIN_SECONDS: Final = 30
_CLIENT_LEFT: Final = 499  # nginx's status for a client that went away before its answer
_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_POLICY: Final = b"default-src 'none'; frame-ancestors 'none'"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: What a browser says of a request that another site made it send: https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
_OWN: Final = frozenset({b"same-origin", b"none"})


class Border:
    """The outermost layer; nothing is read of a stranger's body, and nothing reaches a route without passing it."""

    def __init__(self, app: ASGIApp, people: People) -> None:
        self._app = app
        self._people = people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's lifespan."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = begin(scope)
        policy = docs.POLICY if call.path == docs.PATH else _POLICY
        extra = (*_HEADERS, (b"content-security-policy", policy), (b"x-request-id", call.request_id.encode()))

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        try:
            await self._admitted(call, scope, receive, headed)
        except ClientDisconnect:
            call.status = _CLIENT_LEFT
        except Exception:  # the one place where a bug becomes an answer
            log.exception("admin_request_failed", path=scope["path"], request_id=call.request_id)
            if not call.status:
                response = await on_bug(Request(scope), RuntimeError())
                await response(scope, receive, headed)
        finally:
            _account(call, scope)

    async def _admitted(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if not (call.path in OPEN_PATHS and scope["method"] in _SAFE):
                scope[PERSON] = self._identified(call, scope["method"])
                receive = await _read(call, receive)
        except Refusal as refusal:
            await refusal.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _identified(self, call: Call, method: str) -> Person:
        person = self._people.person(call.header(b"authorization"))
        if person.roles <= {Role.INGEST}:
            raise forbidden("Producers of events may nothing here")
        # A browser sends the password that it remembers along with whatever another site makes it send.
        if method not in _SAFE and call.headers.get(b"sec-fetch-site", b"none") not in _OWN:
            raise forbidden("Requests that another site causes are not taken")
        return person


async def _read(call: Call, receive: Receive) -> Receive:
    """Read the whole body, unless it is too large or no JSON, and return what hands it on."""
    declared = call.headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > MOST_BYTES:
        raise _too_large()
    try:
        async with asyncio.timeout(_WITHIN_SECONDS):
            body = await _body(receive)
    except TimeoutError:
        raise Refusal(408, "REQUEST_TIMEOUT", "The body did not arrive in time") from None
    kind = (call.header(b"content-type") or "").partition(";")[0].strip().lower()
    if body and kind != "application/json":
        raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "Send JSON, as application/json")
    parts = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def again() -> Message:
        return next(parts, None) or await receive()

    return again


async def _body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    left = MOST_BYTES
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        left -= len(chunks[-1])
        if left < 0:
            raise _too_large()
        if not message.get("more_body", False):
            return b"".join(chunks)


def _too_large() -> Refusal:
    return Refusal(413, "PAYLOAD_TOO_LARGE", f"The body is larger than {MOST_BYTES} bytes")


def _account(call: Call, scope: Scope) -> None:
    """Count and log the route, never the path: metrics keep every name they ever saw."""
    route = call.path if call.path in OPEN_PATHS else getattr(scope.get("route"), "path", "unmatched")
    metrics.http_requests.labels(route, call.status).inc()
    metrics.http_seconds.labels(route).observe(call.seconds)
    person = scope.get(PERSON)
    write = log.debug if call.path in OPEN_PATHS else log.info
    write(
        "admin_request",
        method=scope["method"],
        route=route,
        status=call.status,
        ms=round(call.seconds * 1000, 1),
        who=person.name if person else None,
        request_id=call.request_id,
    )
