"""The loop around everything that polls: a pass, a wait that fits what the pass found, until told to stop."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from brokers.verdict import Conflict, Unavailable

log = structlog.get_logger()

#: Each loss lets the winner finish, so a handful outlasts all publishers that one database feeds.
SETTLE_TRIES = 5


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait between passes: nothing after a busy one, from `shortest` doubling to `longest` when idle.

    During an outage each further try waits twice as long too, up to `outage`.
    """

    shortest: timedelta = timedelta(milliseconds=20)
    longest: timedelta = timedelta(milliseconds=250)
    outage: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """How a publisher takes rows: so many at a time, leased so long, looking for more at this pace."""

    batch_size: int = 500
    lease: timedelta = timedelta(seconds=60)
    pace: Pace = field(default_factory=Pace)


async def keep_passing(
    work: Callable[[], Awaitable[int]], *, name: str, stop: asyncio.Event, pace: Pace | None = None
) -> None:
    """Call `work` until `stop` is set; it returns how much it found to do.

    A pass that began is always finished. What is Unavailable is waited for and told once an outage; a lost race is
    tried again; a bug is logged with its stack and does not end the loop.
    """
    rhythm = _Rhythm(name, pace or Pace())
    while not stop.is_set():
        await _pause(stop, await rhythm.step(work))


async def insist(settle: Callable[[], Awaitable[None]]) -> None:
    """Run the transaction that records what was published, again if it loses a race.

    Giving up would only mean a repeat under the same message id when the lease is over, but a race is cheap to rerun.
    """
    for tries_left in reversed(range(SETTLE_TRIES)):
        try:
            await settle()
        except Conflict:
            if not tries_left:
                raise
        else:
            return


class _Rhythm:
    """One pass at a time, and how long to wait after each."""

    def __init__(self, name: str, pace: Pace) -> None:
        self._name = name
        self._pace = pace
        self._wait = timedelta(0)
        self._is_away = False

    async def step(self, work: Callable[[], Awaitable[int]]) -> timedelta:
        """Run one pass and return how long to wait for the next."""
        try:
            found = await work()
        except Conflict as conflict:
            log.debug("pass_lost_a_race", publisher=self._name, reason=str(conflict))
            return self._pace.shortest
        except Unavailable as outage:
            return self._sit_out(outage)
        except Exception:
            log.exception("pass_failed", publisher=self._name)
            return self._longer(max(self._pace.longest, self._pace.outage))
        if self._is_away:
            log.info("publisher_resumed", publisher=self._name)
            self._is_away, self._wait = False, timedelta(0)
        if found:
            self._wait = timedelta(0)
            return self._wait
        return self._longer(self._pace.longest)

    def _sit_out(self, outage: Unavailable) -> timedelta:
        if not self._is_away:
            log.warning("publisher_waits", publisher=self._name, reason=str(outage))
            self._is_away, self._wait = True, timedelta(0)
        return self._longer(self._pace.outage)

    def _longer(self, longest: timedelta) -> timedelta:
        self._wait = min(max(self._wait * 2, self._pace.shortest), longest)
        return self._wait


async def _pause(stop: asyncio.Event, wait: timedelta) -> None:
    """Wait, or less if told to stop; a busy publisher still lets others run in between."""
    if not wait:
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(wait.total_seconds()):
            await stop.wait()
    except TimeoutError:
        pass
