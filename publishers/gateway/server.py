"""Serving the gateway: one socket, one uvicorn, and an orderly end."""

import asyncio
import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
import uvicorn
from starlette.types import ASGIApp

log = structlog.get_logger()

BACKLOG = 2048  # connections that wait while the loop is busy with a large body
IDLE = timedelta(seconds=75)  # longer than the usual 60 s of a proxy, so that the proxy is the one to hang up


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, so that a taken port is known before anything is started; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


async def serve(app: ASGIApp, listening: socket.socket, stop: asyncio.Event, *, drain: timedelta) -> None:
    """Serve until `stop` is set, then accept nothing more and finish what is running, for as long as `drain`.

    When this returns no request is left, so the caller may close the publisher. Run it on uvloop.
    """
    config = uvicorn.Config(
        app,
        http="httptools",
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
    log.info("gateway_listening", host=host, port=port)
    try:
        await server.serve([listening])
    finally:
        stopping.cancel()
        listening.close()
    log.info("gateway_stopped")


async def _stopped(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


class _Server(uvicorn.Server):
    """A server that leaves signals to the process it is a part of."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
