"""Connections that are used again: a stack of idle ones for each origin, so that finding one costs no search.

httpcore's own pool looks at every connection for every request, which at the 64 calls that two senders have under way
takes several milliseconds of processor time a call.
"""

import asyncio
import ssl
import sys
from collections import defaultdict, deque
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from importlib.util import find_spec

import httpcore

#: An idle connection is closed after it; most servers close theirs after a minute or more.
KEPT_FOR_SECONDS = 30.0

# httpcore tries to import it several times a request; where it is not installed, each try searches the whole path.
if find_spec("sniffio") is None:
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]  # that is how an import is told to fail at once


class Connections:
    """Makes, keeps and hands out connections; at most `most` are in use, and others wait for one."""

    def __init__(self, context: ssl.SSLContext, backend: httpcore.AsyncNetworkBackend, most: int) -> None:
        self._context = context
        self._backend = backend
        self._turns = asyncio.Semaphore(most)
        self._idle: defaultdict[str, deque[httpcore.AsyncHTTPConnection]] = defaultdict(deque)

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request on an idle connection, or on a new one; its connection is given back with the response."""
        patience = request.extensions.get("timeout", {}).get("pool")
        try:
            async with asyncio.timeout(patience):
                await self._turns.acquire()
        except TimeoutError as error:
            raise httpcore.PoolTimeout("all connections are in use") from error
        try:
            connection = await self._taken(request.url.origin)
            response = await connection.handle_async_request(request)
        except BaseException:
            self._turns.release()
            raise
        assert isinstance(response.stream, AsyncIterable)
        stream = _Stream(response.stream, self, request.url.origin, connection)
        return httpcore.Response(
            response.status, headers=response.headers, content=stream, extensions=response.extensions
        )

    async def give_back(self, origin: httpcore.Origin, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep a connection for the next request, if it can have one; the oldest is let go where it is too old."""
        self._turns.release()
        idle = self._idle[str(origin)]
        if connection.is_idle():
            idle.append(connection)
        if idle and idle[0].has_expired():
            await _close(idle.popleft())

    async def aclose(self) -> None:
        """Close what is idle."""
        for idle in self._idle.values():
            while idle:
                await _close(idle.pop())

    async def _taken(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        idle = self._idle[str(origin)]
        while idle:
            connection = idle.pop()
            if not connection.has_expired():
                return connection
            await _close(connection)
        return httpcore.AsyncHTTPConnection(
            origin=origin,
            ssl_context=self._context,
            keepalive_expiry=KEPT_FOR_SECONDS,
            network_backend=self._backend,
        )


class _Stream:
    """The body of a response, at whose end its connection is free."""

    def __init__(
        self,
        inner: AsyncIterable[bytes],
        connections: Connections,
        origin: httpcore.Origin,
        connection: httpcore.AsyncHTTPConnection,
    ) -> None:
        self._inner = inner
        self._connections = connections
        self._origin = origin
        self._connection = connection
        self._is_open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._inner:
            yield part

    async def aclose(self) -> None:
        """End the response, read or not."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            await self._inner.aclose()  # type: ignore[attr-defined]  # httpcore's own streams have it
        finally:
            await self._connections.give_back(self._origin, self._connection)


async def _close(connection: httpcore.AsyncHTTPConnection) -> None:
    with suppress(httpcore.NetworkError):
        await connection.aclose()
