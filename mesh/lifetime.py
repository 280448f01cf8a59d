"""The life of one process: from its signals to its last log line."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import uvloop

Main = Callable[[asyncio.Event], Awaitable[None]]


def live(main: Main) -> None:
    """Run `main` on uvloop; the event it is given is set by SIGTERM or Ctrl-C, after which it should end by itself."""

    async def until_told() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await main(stop)

    uvloop.run(until_told())
