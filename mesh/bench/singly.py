"""`python -m mesh.bench.singly`: the worker of `samples.ingest` as it would be without group commit.

The same handler on the same queue, called with one message at a time in each of ten hands, one transaction each.
"""

from dataclasses import replace

from brokers.delivery import Delivery
from brokers.router import Route
from brokers.topology import SAMPLES_INGEST
from handlers.samples import ingest_samples
from mesh import logs
from mesh.lifetime import live
from mesh.worker import consume
from persistence.uow import Uow
from schemas.clock import Clock
from schemas.samples.messages import IngestResult, IngestSamples
from settings import Settings

ONE_BY_ONE = replace(SAMPLES_INGEST, batch=None, concurrency=10)


async def ingest_one(delivery: Delivery[IngestSamples], uow: Uow, clock: Clock) -> IngestResult:
    """Store one message in a transaction of its own."""
    (result,) = await ingest_samples([delivery], uow, clock)
    return result


if __name__ == "__main__":
    settings = Settings()
    logs.configure(settings.log_level, settings.log_format)
    live(lambda stop: consume(settings, [Route(ONE_BY_ONE, ingest_one)], stop))
