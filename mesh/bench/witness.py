"""`python -m mesh.bench.witness groups|singly FILE`: a worker of samples that tells when it saw each commit.

It is the worker as it is, with one call around the handler: when the handler returns, its transaction has been
committed and the database has said so, and the moment is noted in memory, once a transaction. What was noted is
written to the file as the process ends: message id -> moment on the clock that `time.monotonic` reads, which all
processes of a machine share.
"""

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from brokers.delivery import Delivery
from brokers.router import Route
from brokers.topology import SAMPLES_INGEST
from handlers.samples import ingest_samples
from mesh import logs
from mesh.bench.singly import ONE_BY_ONE, ingest_one
from mesh.lifetime import live
from mesh.worker import consume
from persistence.uow import Uow
from schemas.clock import Clock
from schemas.samples.messages import IngestResult, IngestSamples
from settings import Settings

GROUPS = "groups"
SINGLY = "singly"


class Witness:
    """The two handlers of `samples.ingest`, and when each of their messages was seen to be committed."""

    def __init__(self) -> None:
        self.commits: list[tuple[float, list[str]]] = []

    async def groups(self, batch: list[Delivery[IngestSamples]], uow: Uow, clock: Clock) -> list[IngestResult]:
        """Store a group in one transaction."""
        results = await ingest_samples(batch, uow, clock)
        self._note(batch)
        return results

    async def singly(self, delivery: Delivery[IngestSamples], uow: Uow, clock: Clock) -> IngestResult:
        """Store one message in a transaction of its own."""
        result = await ingest_one(delivery, uow, clock)
        self._note([delivery])
        return result

    def route(self, way: str) -> Route:
        """Return the consumer of the queue, with group commit or without."""
        return {GROUPS: Route(SAMPLES_INGEST, self.groups), SINGLY: Route(ONE_BY_ONE, self.singly)}[way]

    def write(self, file: Path) -> None:
        """Write what was seen; of a message that came twice, when it was first committed."""
        moments: dict[str, float] = {}
        for moment, message_ids in self.commits:
            for message_id in message_ids:
                moments.setdefault(message_id, moment)
        file.write_bytes(orjson.dumps(moments))

    def _note(self, deliveries: Iterable[Delivery[Any]]) -> None:
        self.commits.append((time.monotonic(), [each.message_id for each in deliveries]))


def seen(file: Path) -> dict[str, float]:
    """Return what a witness wrote."""
    moments: dict[str, float] = orjson.loads(file.read_bytes())
    return moments


if __name__ == "__main__":
    settings = Settings()
    logs.configure(settings.log_level, settings.log_format)
    witness = Witness()
    live(lambda stop: consume(settings, [witness.route(sys.argv[1])], stop))
    witness.write(Path(sys.argv[2]))
