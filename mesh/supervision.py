"""What dies is started again, and what keeps dying is given up."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Never

import structlog

from mesh.embedded.process import ServiceFailed

log = structlog.get_logger()

#: This many ends within the window are a crash loop: a wrong setting, not an accident.
CRASH_LOOP = 5
CRASH_WINDOW = timedelta(minutes=1)

_LONGEST_BACKOFF = timedelta(seconds=8)


class GaveUp(ServiceFailed):
    """Something ended again and again."""


async def keep_up(
    name: str,
    ended: Callable[[], Awaitable[int]],
    start: Callable[[], Awaitable[None]],
    last_words: Callable[[], str],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Never:
    """Start it again whenever it ends, later each time; raises GaveUp in a crash loop, else runs until cancelled."""
    ends: deque[float] = deque(maxlen=CRASH_LOOP)
    while True:
        code = await ended()
        ends.append(clock())
        recent = [end for end in ends if ends[-1] - end < CRASH_WINDOW.total_seconds()]
        if len(recent) == CRASH_LOOP:
            raise GaveUp(f"{name} ended {CRASH_LOOP} times within a minute, last with {code}.\n{last_words()}")
        backoff = min(2.0 ** (len(recent) - 1), _LONGEST_BACKOFF.total_seconds())
        log.warning("process_ended", name=name, exit_code=code, restart_in_seconds=backoff)
        await sleep(backoff)
        await start()
