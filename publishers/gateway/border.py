"""What happens to every request before and after its route: identity, rate, headers, metrics, log, and bugs."""

from collections.abc import Mapping
from typing import Protocol

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from brokers import metrics
from publishers.gateway import docs
from publishers.gateway.auth import OPEN_PATHS, Callers, is_open
from publishers.gateway.call import Call, begin
from publishers.gateway.errors import Refusal, on_bug, too_fast
from publishers.gateway.rate import RateLimit
from publishers.gateway.trace import NO_SPAN, active, begin_span, end_span, is_on

log = structlog.get_logger()

CLIENT_LEFT = 499  # nginx's status for a client that went away before its answer
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_UNMATCHED = "unmatched"
_POST_ONLY = Refusal(405, "Method Not Allowed", headers={"Allow": "POST"})
_NOT_THEIRS = Refusal(403, "These credentials are for posting events")
#: Where producers may go beside their own route: the states of messages, whose ids nobody can guess.
_STATES = "/messages/"


class HotRoute(Protocol):
    """A route that reads the raw body itself; see the README's decisions for why."""

    async def __call__(self, call: Call, receive: Receive) -> Response:
        """Answer one request; raises Refusal."""


class ProducersRoute(HotRoute, Protocol):
    """A hot route that producers may post to with HTTP Basic, and that says no in a shape of its own."""

    def refused(self, refusal: Refusal) -> Response:
        """Return a refusal as its callers know it."""


class SignedRoute(HotRoute, Protocol):
    """A hot route whose callers show no token: it verifies a signature of the body itself."""


class Border:
    """The outermost layer; nothing reaches a route, not even an unknown one, without passing it."""

    def __init__(
        self,
        app: ASGIApp,
        hot: Mapping[str, HotRoute],
        callers: Callers,
        rate: RateLimit,
        producers_routes: Mapping[str, ProducersRoute],
        signed_routes: Mapping[str, SignedRoute] | None = None,
    ) -> None:
        """Send what is posted to the paths of hot routes straight to their route, and everything else to `app`."""
        self.app = app
        self._signed = frozenset(signed_routes or ())
        self._hot = {**hot, **producers_routes, **(signed_routes or {})}
        self._callers = callers
        self._producers_routes = producers_routes
        self._rate = rate
        self._counted: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._is_traced = is_on()
        self._log = log.bind()  # as logging is set up by now; an unbound logger is made anew for each line

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's lifespan."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = begin(scope)
        extra = (*_HEADERS, _policy(call.path), (b"x-request-id", call.request_id.encode()))

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        span = begin_span(call, scope) if self._is_traced else NO_SPAN
        try:
            with active(span):
                await self._admitted(call, scope, receive, headed)
        except ClientDisconnect:
            call.status = CLIENT_LEFT
        except Exception:  # the one place where a bug becomes an answer
            log.exception("http_request_failed", path=scope["path"], request_id=call.request_id)
            if not call.status:
                response = await on_bug(Request(scope), RuntimeError())
                await response(scope, receive, headed)
        finally:
            self._account(call, scope)
            end_span(span, scope["method"], self._route(scope), call.status)

    async def _admitted(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if not is_open(scope) and call.path not in self._signed:
                self._identify(call)
            hot = self._hot.get(call.path)
            if hot is None:
                await self.app(scope, receive, send)
                return
            if scope["method"] != "POST":
                raise _POST_ONLY
            response = await hot(call, receive)
        except Refusal as refusal:
            theirs = self._producers_routes.get(call.path)
            response = theirs.refused(refusal) if theirs else refusal.response()
        await response(scope, receive, send)

    def _identify(self, call: Call) -> None:
        call.caller = self._callers.caller(call.headers)
        if call.caller.name and call.path not in self._producers_routes and not call.path.startswith(_STATES):
            raise _NOT_THEIRS
        if seconds := self._rate.take(call.caller.number):
            raise too_fast(seconds)

    def _account(self, call: Call, scope: Scope) -> None:
        route = self._route(scope)
        seconds = call.seconds
        count, time = self._metrics(route, call.status)
        count.inc()
        time.observe(seconds)
        # Probes and scrapes come every few seconds, for ever.
        write = self._log.debug if is_open(scope) else self._log.info
        write(
            "http_request",
            method=scope["method"],
            route=route,
            status=call.status,
            ms=round(seconds * 1000, 1),
            caller=call.caller and (call.caller.name or call.caller.number),
            message_id=call.message_id,
            request_id=call.request_id,
        )

    def _route(self, scope: Scope) -> str:
        """Name the route, never the path of a stranger: metrics keep every name they ever saw."""
        path: str = scope["path"]
        if path in self._hot or path in OPEN_PATHS:
            return path
        return getattr(scope.get("route"), "path", _UNMATCHED)

    def _metrics(self, route: str, status: int) -> tuple[Counter, Histogram]:
        key = (route, status)
        if key not in self._counted:
            self._counted[key] = (
                metrics.http_requests.labels(route, status),
                metrics.http_seconds.labels(route),
            )
        return self._counted[key]


def _policy(path: str) -> tuple[bytes, bytes]:
    return (_POLICY[0], docs.POLICY) if path == docs.PATH else _POLICY
