"""Waiting for our own services without burning anybody's attempts."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from brokers import metrics
from brokers.verdict import Unavailable

log = structlog.get_logger()

SHORTEST = 0.2
LONGEST = 5.0  # an outage ends at most this long before we notice

Probe = Callable[[], Awaitable[None]]


class Breaker:
    """Opens when a handler finds a dependency away, probes it, and closes when the probe passes.

    Where the probe passes but handlers go on failing (it probes the wrong thing), the pause still doubles each time,
    until one of them succeeds.
    """

    def __init__(self, queue: str, probe: Probe) -> None:
        """`probe` raises Unavailable while the dependency is away."""
        self._queue = queue
        self._probe = probe
        self._pause = SHORTEST
        self._closed = asyncio.Event()
        self._closed.set()
        self._probing: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether consumers should wait."""
        return not self._closed.is_set()

    def open(self, reason: str) -> None:
        """Note that a dependency is away, and begin to probe it."""
        if self.is_open:
            return
        self._closed.clear()
        metrics.breaker_open.labels(self._queue).set(1)
        log.warning("breaker_opened", queue=self._queue, reason=reason)
        self._probing = asyncio.create_task(self._probe_until_back())

    def succeeded(self) -> None:
        """Note that work succeeds again, so that the next outage begins with a short pause."""
        self._pause = SHORTEST

    async def closed(self) -> None:
        """Return when the dependency is back."""
        await self._closed.wait()

    async def stop(self) -> None:
        """Stop probing."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    async def _probe_until_back(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, LONGEST)
            try:
                await self._probe()
            except Unavailable as error:
                log.debug("still_unavailable", queue=self._queue, reason=str(error))
            except Exception:  # the loop of the process: a probe that fails in its own way must not end all probing
                log.exception("probe_failed", queue=self._queue)
            else:
                break
        metrics.breaker_open.labels(self._queue).set(0)
        log.info("breaker_closed", queue=self._queue)
        self._closed.set()
