"""The life of one process: from its signals to its last log line."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable

import uvloop

from mesh import logs, tracing
from settings import Settings

#: A page of events is two hundred thousand objects that all go with its answer. At Python's 700 new ones a look they
#: are looked through three hundred times, which takes a tenth of what the page does.
_GARBAGE = 10_000

Main = Callable[[asyncio.Event], Awaitable[None]]


def begin(role: str) -> Settings:
    """Read the settings of this process and set up its logs and traces."""
    settings = Settings()
    logs.configure(settings.log_level, settings.log_format)
    tracing.configure(settings.otel_endpoint, role)
    return settings


def live(main: Main) -> None:
    """Run `main` on uvloop; the event it is given is set by SIGTERM or Ctrl-C, after which it should end by itself."""

    async def until_told() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        # What was imported stays, and looking through it for garbage stops everything: 150 ms each time, measured.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GARBAGE)
        await main(stop)

    uvloop.run(until_told())
