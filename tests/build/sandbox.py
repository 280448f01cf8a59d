"""Stand-ins of vendors for tests: in this process, on a free port of the loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress

from adapters.relay.guard import Guard
from adapters.relay.http import Http
from deploy.sandbox.standin import Standin, bound, server_of


@asynccontextmanager
async def standing_in(standin: Standin) -> AsyncIterator[str]:
    """A running stand-in; gives its address without a slash at the end."""
    listener = bound()
    server = server_of(standin)
    server.capture_signals = nullcontext  # a test's signals are pytest's
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.005)
        host, port = listener.getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = server.force_exit = True
        with suppress(asyncio.CancelledError):
            await running
        listener.close()


@asynccontextmanager
async def local_http() -> AsyncIterator[Http]:
    """A client that may reach stand-ins on the loopback, and else only what anyone may."""
    http = Http(Guard.allowing(["127.0.0.1"]))
    try:
        yield http
    finally:
        await http.close()
