"""`python -m mesh.bench.refusing FILE FIRST SECOND`: a worker whose handler fails twice and then does its work.

A message is refused for FIRST seconds on its first attempt and for SECOND on its second; the third marks it in the
inbox, in a transaction, as every handler of the mesh does. Each call is noted in memory; what was noted is written to
the file as the process ends: message id, attempt, and when it began on the clock that `time.monotonic` reads, which
all processes of a machine share.
"""

import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from brokers.delivery import Delivery
from brokers.queue import Queue
from brokers.router import Route
from brokers.verdict import Retryable
from mesh import logs
from mesh.lifetime import live
from mesh.worker import consume
from persistence.uow import Uow
from settings import Settings

#: On an exchange that there is, and consumed by nobody else. Every delay is the handler's word, so no jitter.
REFUSED = Queue("samples.refused", dict[str, int], prefetch=200, concurrency=20)

#: A call of the handler: the message, the attempt by its header, and the moment.
Call = tuple[str, int, float]


class Refusing:
    """The handler, and what it was called with."""

    def __init__(self, delays: Sequence[timedelta]) -> None:
        self.calls: list[Call] = []
        self._delays = delays

    async def handle(self, delivery: Delivery[dict[str, int]], uow: Uow) -> None:
        """Fail as often as there are delays, then mark the message as acted on."""
        self.calls.append((delivery.message_id, delivery.attempt, time.monotonic()))
        if delivery.attempt <= len(self._delays):
            raise Retryable("not yet", after=self._delays[delivery.attempt - 1])
        async with uow() as tx:
            await tx.inbox.claim(delivery.message_id)

    def write(self, file: Path) -> None:
        """Write every call."""
        file.write_bytes(orjson.dumps(self.calls))


def seen(file: Path) -> list[Call]:
    """Return what was written."""
    calls: list[Any] = orjson.loads(file.read_bytes())
    return [(str(message_id), int(attempt), float(moment)) for message_id, attempt, moment in calls]


if __name__ == "__main__":
    settings = Settings()
    # A retry is a warning, and here it is the rule.
    logs.configure("error", settings.log_format)
    refusing = Refusing([timedelta(seconds=int(each)) for each in sys.argv[2:]])
    live(lambda stop: consume(settings, [Route(REFUSED, refusing.handle)], stop))
    refusing.write(Path(sys.argv[1]))
