"""`mesh bench schedules`: how soon many due reminders are with the broker, counted after its confirms."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import aiormq.abc

from brokers.link import Link
from brokers.topology import CHATBOT_SAMPLE_BATCH
from mesh.bench import crawl
from mesh.bench.benchmark import Benchmark
from mesh.bench.crawl import Tell
from mesh.bench.figures import Measured, Target, accounted
from mesh.bench.sql import Sql
from mesh.bench.stage import Place, Stage
from schemas.chatbot.records import Scenario
from schemas.clock import utc_now

ALONE = "one publishers process"

_NOW = utc_now().replace(tzinfo=None)
_AT_ONCE = 1000

_SAMPLE = """
INSERT INTO samples (id, platform_product_id, creator_id, creation_time, last_modifier_id, last_modification_time,
    region, creator_key, observed_at, status, product_name, platform_creator_id, content_summary)
VALUES (%s, %s, '', %s, '', %s, 'MX', %s, %s, 'Shipped', 'Clay mask 100 g', %s, '[]')
"""
_SCHEDULE = """
INSERT INTO sample_chatbot_schedules (id, sample_id, scenario, region, next_run_time, created_at, updated_at)
VALUES (%s, %s, %s, 'MX', %s, %s, %s)
"""
_COUNTED = "SELECT COUNT(*) FROM sample_chatbot_schedules WHERE run_count > 0"


async def _alone(stage: Stage, size: int, tell: Tell) -> Measured:
    async with stage.place() as place:
        await _due(place.sql, size)
        async with place.process("publishers", ("mesh", "publishers")) as process:
            per_second, facts = await crawl.rate(place, process, size, tell, _COUNTED)
        counted = int(await place.sql.value("SELECT COALESCE(SUM(run_count), 0) FROM sample_chatbot_schedules"))
        said = await _said(place)
    found = accounted(size, len(said), len(set(said))) + accounted(size, counted, min(counted, size))
    return crawl.measured(per_second, found, facts)


async def _due(sql: Sql, number: int) -> None:
    """Make that many samples that were shipped to as many creators, a reminder of each just due."""
    for first in range(0, number, _AT_ONCE):
        samples = [(str(uuid4()).upper(), str(creator)) for creator in range(first, min(first + _AT_ONCE, number))]
        await sql.executemany(
            _SAMPLE, [(each, creator, _NOW, _NOW, creator, _NOW, creator) for each, creator in samples]
        )
        times = _NOW - timedelta(hours=1), _NOW, _NOW
        await sql.executemany(
            _SCHEDULE, [(str(uuid4()).upper(), each, Scenario.SHIPPED.value, *times) for each, _ in samples]
        )


async def _said(place: Place) -> list[str | None]:
    """Take what was published from the chatbot's queue, and return the ids of the messages."""
    link = Link(place.broker_url, "mesh bench reads")
    taken: asyncio.Queue[str | None] = asyncio.Queue()

    async def take(message: aiormq.abc.DeliveredMessage) -> None:
        taken.put_nowait(message.header.properties.message_id)

    try:
        channel = await link.channel()
        waiting = (await channel.queue_declare(CHATBOT_SAMPLE_BATCH.name, passive=True)).message_count or 0
        await channel.basic_consume(CHATBOT_SAMPLE_BATCH.name, take, no_ack=True)
        return [await taken.get() for _ in range(waiting)]
    finally:
        await link.close()


SCHEDULES = Benchmark(
    name="schedules",
    what="Due reminders published to the chatbot by one publishers process, until counted after their confirms.",
    unit="reminders/s",
    variants=lambda: {ALONE: _alone},
    size=10_000,
    sized_in="due reminders",
    targets=(Target(ALONE, at_least=10_000),),
)
