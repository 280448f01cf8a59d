"""One worker process: the consumers of some queues, watched together and drained together."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import structlog

from brokers.breaker import Probe
from brokers.consumer import Consumer
from brokers.courier import Courier
from brokers.link import Link
from brokers.publisher import Publisher
from brokers.router import Route
from brokers.sharing import Sharing
from brokers.status import StatusBoard
from brokers.watchdog import Watchdog
from schemas.clock import Clock

log = structlog.get_logger()


class Worker:
    """Runs the consumers of the given routes on one connection, and publishes on another."""

    def __init__(  # noqa: PLR0913 -- called once, where everything is put together
        self,
        routes: Iterable[Route],
        dependencies: Mapping[str, Any],
        *,
        link: Link,
        publisher: Publisher,
        board: StatusBoard,
        probe: Probe,
        clock: Clock,
        probes: Mapping[str, Probe] | None = None,
    ) -> None:
        """`probe` raises Unavailable while a dependency of the handlers is away; `probes` has others, by queue."""
        self._link = link
        self._courier = Courier(publisher, board, clock)
        self.consumers = [
            Consumer(
                route.queue,
                physical,
                route.bind(dependencies),
                link=link,
                courier=self._courier,
                probe=(probes or {}).get(route.queue.name, probe),
                clock=clock,
            )
            for route in routes
            for physical in route.queue.physical_names
        ]
        self.watchdog = Watchdog(self.consumers, link)
        self._sharing = Sharing(self.consumers, link)

    @property
    def is_ready(self) -> bool:
        """Whether every consumer consumes, or waits for a dependency as it should."""
        return all(consumer.is_consuming or consumer.is_waiting for consumer in self.consumers)

    async def run(self, stop: asyncio.Event, drain_within: timedelta) -> None:
        """Consume until `stop` is set, then drain within the deadline."""
        running = [asyncio.create_task(consumer.run(drain_within)) for consumer in self.consumers]
        watching = asyncio.create_task(self.watchdog.run())
        sharing = asyncio.create_task(self._sharing.run())
        ends = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({ends, *running}, return_when=asyncio.FIRST_COMPLETED)
            for consumer in self.consumers:
                consumer.stop()
            await asyncio.gather(*running)
            await self._courier.flush()
        finally:
            for task in (ends, watching, sharing):
                task.cancel()
            await self._link.close()
