"""Serving the gateway: one socket, one uvicorn, and an orderly end."""

import asyncio
import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = structlog.get_logger()

BACKLOG = 2048  # connections that wait while the loop is busy with a large body
IDLE = timedelta(seconds=75)  # longer than the usual 60 s of a proxy, so that the proxy is the one to hang up

#: What the log says when a role that serves HTTP begins and ends.
_TOLD = {"gateway": ("gateway_listening", "gateway_stopped"), "admin": ("admin_listening", "admin_stopped")}


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, so that a taken port is known before anything is started; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


async def serve(
    app: ASGIApp, listening: socket.socket, stop: asyncio.Event, *, drain: timedelta, name: str = "gateway"
) -> None:
    """Serve until `stop` is set, then accept nothing more and finish what is running, for as long as `drain`.

    When this returns no request is left, so the caller may close the publisher. Run it on uvloop.
    """
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        access_log=False,  # the border writes its own
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing here depends on the client's address
        timeout_keep_alive=int(IDLE.total_seconds()),
        timeout_graceful_shutdown=math.ceil(drain.total_seconds()),
    )
    server = _Server(config)
    stopping = asyncio.create_task(_stopped(server, stop))
    host, port = listening.getsockname()[:2]
    begun, ended = _TOLD[name]
    log.info(begun, host=host, port=port)
    try:
        await server.serve([listening])
    finally:
        stopping.cancel()
        listening.close()
    log.info(ended)


async def _stopped(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


class Corked:
    """A transport that sends what one turn of the loop writes to it in one piece.

    uvicorn writes an answer's head and then its body, and each would be a system call and a packet of its own, which
    together cost more than all that our code does for a request.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._unsent: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send this with whatever else is written in the same turn."""
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(data)

    def close(self) -> None:
        """Send what there is, and close."""
        self._send()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _send(self) -> None:
        if self._unsent:
            self._transport.write(b"".join(self._unsent))
            self._unsent.clear()


class _Protocol(HttpToolsProtocol):
    """uvicorn's own, on a transport that is corked."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(cast("asyncio.Transport", Corked(transport, self.loop)))


class _Server(uvicorn.Server):
    """A server that leaves signals to the process it is a part of."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
