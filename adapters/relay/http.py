"""How destinations are spoken to: one client for all, guarded, that follows no redirect and logs no address."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpcore
import httpx
import orjson

from adapters.relay.classify import Answer
from adapters.relay.connections import Connections
from adapters.relay.guard import Forbidden, Guard, GuardedBackend
from adapters.relay.port import Outcome, Told

#: A platform that has not answered by then is not going to; most answer within two seconds.
PATIENCE = timedelta(seconds=30)
#: As much of what was said as is kept with an attempt.
KEPT = 5000
#: As much of an answer as is read: a platform's longest, with an error for each of 5,000 events, is well below.
LARGEST_ANSWER = 4 * 1024 * 1024

_CONNECTIONS = 200
#: What a request is framed by, and goes where it goes by, is not for tenants to say.
_FRAMING = frozenset({"connection", "content-length", "host", "transfer-encoding", "upgrade"})
#: An answer that is packed would have to be unpacked, and may be a bomb.
_ALWAYS = {"user-agent": "mesh-relay/1", "accept": "*/*", "accept-encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One finished call: what was asked, what was answered (None where nothing was), and how long it took."""

    answer: Answer
    duration: timedelta

    def told(self, outcomes: Sequence[Outcome], sent: Any, secrets: Sequence[str]) -> Told:
        """Return the call as it is recorded: what was sent, answered and made of it, without the secrets, and cut.

        `sent` is a body, or what becomes one.
        """
        return Told(
            outcomes=[
                replace(each, reason=redacted(each.reason, secrets) if each.reason else None) for each in outcomes
            ],
            status=self.answer.status,
            request=redacted(sent if isinstance(sent, bytes) else body_of(sent), secrets),
            response=redacted(self.answer.problem or self.answer.body, secrets),
            duration=self.duration,
        )


class Http:
    """The outside world, over one pool of connections."""

    def __init__(self, guard: Guard, *, patience: timedelta = PATIENCE) -> None:
        # It writes every address at INFO, and platforms want their tokens in addresses.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        logging.getLogger("httpcore").setLevel(logging.WARNING)
        self.guard = guard
        context = httpx.create_ssl_context(trust_env=False)
        backend = GuardedBackend(guard, httpcore.AnyIOBackend())
        self._connections = Connections(context, backend, _CONNECTIONS)
        seconds = patience.total_seconds()
        self._timeouts = {"timeout": {"connect": seconds, "read": seconds, "write": seconds, "pool": seconds}}

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Exchange:
        """Post a body and return what came of it; an address that is refused, and no answer at all, are answers too."""
        return await self._exchanged("POST", url, body, headers or {}, query)

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
    ) -> Exchange:
        """Ask for something, and return what came of it as `post` does."""
        return await self._exchanged("GET", url, b"", headers or {}, query)

    async def _exchanged(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], query: Mapping[str, str] | None
    ) -> Exchange:
        began = time.monotonic()
        try:
            self.guard.check_url(url)
            answer = await self._answered(self._request(method, url, body, headers, query))
        except (httpcore.LocalProtocolError, UnicodeEncodeError):
            # What it says quotes the header, and with it the token.
            problem = "the credentials have characters that no request can carry, or none at all"
            answer = Answer(None, {}, b"", problem=problem, is_ours=True)
        except ValueError as error:
            answer = Answer(None, {}, b"", problem=f"the address {error}", is_ours=True)
        except httpcore.TimeoutException as error:
            answer = Answer(None, {}, b"", problem=f"no answer ({type(error).__name__})", is_unknown=_was_sent(error))
        except httpcore.ConnectError as error:
            answer = Answer(None, {}, b"", problem=_told(error), is_ours=isinstance(error, Forbidden))
        except (httpcore.NetworkError, httpcore.ProtocolError, httpx.InvalidURL) as error:
            answer = Answer(None, {}, b"", problem=_told(error), is_unknown=True)
        return Exchange(answer, timedelta(seconds=time.monotonic() - began))

    def _request(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], query: Mapping[str, str] | None
    ) -> httpcore.Request:
        """Return the request without httpx's own layers: they take as long as everything below them."""
        to = httpx.URL(url, params=query) if query else httpx.URL(url)
        own = {name.lower(): value for name, value in headers.items() if name.lower() not in _FRAMING}
        sent = {"content-type": "application/json", **_ALWAYS, **own}
        carried = [(name.encode("ascii"), value.encode("ascii")) for name, value in sent.items()]
        carried += [(b"host", to.netloc), (b"content-length", str(len(body)).encode())]
        where = httpcore.URL(scheme=to.raw_scheme, host=to.raw_host, port=to.port, target=to.raw_path)
        return httpcore.Request(method, where, headers=carried, content=body, extensions=self._timeouts)

    async def _answered(self, request: httpcore.Request) -> Answer:
        response = await self._connections.handle_async_request(request)
        try:
            told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return Answer(response.status, told, await _read(response))
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close every connection."""
        await self._connections.aclose()


def body_of(value: Any) -> bytes:
    """Return compact JSON."""
    return orjson.dumps(value)


def redacted(text: str | bytes, secrets: Sequence[str]) -> str:
    """Return what may be kept of a text: without the secrets, cut."""
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    for secret in secrets:
        if secret:
            shown = shown.replace(secret, "***")
    return shown[:KEPT]


def _was_sent(error: httpcore.TimeoutException) -> bool:
    """Tell whether the other side may have acted: it may not where we never got through."""
    return not isinstance(error, httpcore.ConnectTimeout | httpcore.PoolTimeout)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:KEPT]


async def _read(response: httpcore.Response) -> bytes:
    parts, left = [], LARGEST_ANSWER
    async for part in response.aiter_stream():
        parts.append(part[:left])
        left -= len(parts[-1])
        if not left:
            break
    return b"".join(parts)
