"""Running a handler until it has said something final: lost races are run again, outages waited out."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog

from brokers import metrics
from brokers.breaker import Breaker
from brokers.tracing import handling
from brokers.verdict import Conflict, Retryable, Unavailable

log = structlog.get_logger()

CONFLICTS = 10  # races lost in a row before the message goes down the ladder instead
CONFLICT_PAUSE = 0.02  # seconds; doubles on average with each race lost

# RabbitMQ closes a channel whose delivery is unacked for 30 minutes, and counts that against every message on it.
HOLD_AT_MOST = timedelta(minutes=10)

Handler = Callable[[Any], Awaitable[Any]]


class Halted(Exception):
    """The work was not done and must go back to the queue: we are stopping, or have held it for too long."""


class Attempt:
    """Calls one queue's handler; knows nothing of acks."""

    def __init__(self, queue: str, handler: Handler, breaker: Breaker, stopping: asyncio.Event) -> None:
        self._queue = queue
        self._handler = handler
        self._breaker = breaker
        self._stopping = stopping

    @property
    def is_stopping(self) -> bool:
        """Whether work that cannot be done now should be given back."""
        return self._stopping.is_set()

    async def __call__(self, argument: Any, headers: Sequence[Mapping[str, Any]]) -> Any:
        """Return what the handler returns, or raise what it finally raises, or Halted.

        `headers` are those of the messages in `argument`: as many as it holds, for traces and metrics.
        """
        conflicts = 0
        while True:
            if self._breaker.is_open:
                await self._outage()
            try:
                with handling(self._queue, headers):
                    result = await self._timed(argument, len(headers))
            except Conflict as error:
                conflicts += 1
                log.debug("race_lost", queue=self._queue, reason=str(error))
                if conflicts >= CONFLICTS:
                    raise Retryable(f"lost {conflicts} races: {error}") from error
                await asyncio.sleep(random.uniform(0, CONFLICT_PAUSE * 2**conflicts))
            except Unavailable as error:
                self._breaker.open(str(error))
            else:
                self._breaker.succeeded()
                return result

    async def _timed(self, argument: Any, count: int) -> Any:
        gauge = metrics.in_flight.labels(self._queue)
        gauge.inc(count)
        try:
            with metrics.handler_seconds.labels(self._queue).time():
                return await self._handler(argument)
        finally:
            gauge.dec(count)

    async def _outage(self) -> None:
        closed = asyncio.ensure_future(self._breaker.closed())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait(
                {closed, stopping}, timeout=HOLD_AT_MOST.total_seconds(), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            closed.cancel()
            stopping.cancel()
        if self._breaker.is_open:
            raise Halted
