"""The consumer of sample rows: read, lock, merge, remember, schedule; one transaction a group of messages."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import structlog

from brokers import metrics, topology
from brokers.delivery import Delivery
from brokers.router import Router
from handlers.samples.contents import content_logs, contents_of, newest
from handlers.samples.history import crawl_logs
from handlers.samples.merging import Change, Step, fold
from handlers.samples.observations import Observation, Reading, read
from handlers.samples.reminders import granted, wishes_of
from persistence.uow import Transaction, Uow
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.samples.messages import IngestResult, IngestSamples

log = structlog.get_logger()

router = Router()


@router.consume(topology.SAMPLES_INGEST)
async def ingest_samples(batch: list[Delivery[IngestSamples]], uow: Uow, clock: Clock) -> list[IngestResult]:
    """Store what crawlers saw, newest observation first in rank, and schedule the reminders it calls for.

    Safe to repeat: a message is applied once, and what it is answered depends on the message alone. A row that cannot
    be stored is told in the answer and holds up no other.
    """
    readings = [read(delivery) for delivery in batch]
    async with uow() as tx:
        fresh = _unrepeated(readings, await tx.inbox.claim_all(batch))
        await _store(tx, fresh, whole_milliseconds(clock()))
    return [reading.result for reading in readings]


def _unrepeated(readings: Sequence[Reading], claimed: set[str]) -> list[Reading]:
    """Return the messages that nobody has stored yet, each once even if the group holds it twice."""
    fresh: dict[str, Reading] = {}
    for reading in readings:
        if reading.message_id in claimed and reading.message_id not in fresh:
            fresh[reading.message_id] = reading
        else:
            metrics.duplicates.labels(topology.SAMPLES_INGEST.name).inc()
            log.debug("samples_already_stored", message_id=reading.message_id)
    return list(fresh.values())


async def _store(tx: Transaction, readings: Sequence[Reading], now: datetime) -> None:
    changes = await _merge(tx, [observation for reading in readings for observation in reading.observations], now)
    if not changes:
        return
    await _schedule(tx, changes, now)
    await _remember(tx, changes, now)
    log.info(
        "samples_stored",
        messages=len(readings),
        rows=sum(reading.result.inserted for reading in readings),
        rejected=sum(len(reading.result.rejected) for reading in readings),
        samples=len(changes),
        stale=sum(step.is_stale for change in changes for step in change.steps),
    )


async def _merge(tx: Transaction, observations: list[Observation], now: datetime) -> list[Change]:
    """Bring the samples up to date, in order of their keys, so that two groups never wait for each other in a ring."""
    observations.sort(key=lambda observation: (observation.key, observation.observed_at))
    groups = {key: list(group) for key, group in groupby(observations, key=lambda observation: observation.key)}
    if not groups:
        return []
    stored = await tx.samples.find(list(groups))
    changes = [fold(stored.get(key), group, now) for key, group in groups.items()]
    await tx.samples.add([change.after for change in changes if change.before is None])
    await tx.samples.save([change.after for change in changes if change.before is not None and change.is_news])
    return changes


async def _schedule(tx: Transaction, changes: Sequence[Change], now: datetime) -> None:
    wishes = [wish for change in changes for wish in wishes_of(change)]
    known = sorted({wish.sample.id for wish in wishes if not wish.is_new})
    stored = await tx.schedules.find(known) if known else {}
    await tx.schedules.save(granted(wishes, stored, now))


async def _remember(tx: Transaction, changes: Sequence[Change], now: datetime) -> None:
    steps = [step for change in changes for step in change.steps]
    await tx.samples.log(crawl_logs(steps, await _logged(tx, steps, now), now))
    seen = contents_of(steps, now)
    await tx.samples.upsert_contents(newest(seen))
    await tx.samples.log_contents(content_logs(seen, now))


async def _logged(tx: Transaction, steps: Sequence[Step], now: datetime) -> set[str]:
    fingerprints = {seen.row.fingerprint for step in steps for seen in step.observation.rows}
    return await tx.samples.logged(sorted(fingerprints), now.date())
