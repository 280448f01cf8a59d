"""`mesh bench schedules`: how soon many due reminders are with the broker, counted after its confirms."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import psutil

from brokers.topology import CHATBOT_SAMPLE_BATCH
from mesh.bench import crawl, said
from mesh.bench.benchmark import Benchmark, Measure
from mesh.bench.crawl import Tell
from mesh.bench.figures import Measured, Target, accounted
from mesh.bench.sql import Sql
from mesh.bench.stage import Place, Stage
from mesh.embedded.process import ServiceFailed
from schemas.chatbot.records import Scenario
from schemas.clock import utc_now

ALONE = "one publishers process"
THREE = "three publishers processes"

#: Counting 100,000 rows takes the server tens of milliseconds, which are not to be felt.
LOOK_SECONDS = 0.25

#: Ids that are as scattered as real ones, and the same in each run.
_ID = "UPPER(INSERT(INSERT(INSERT(INSERT(MD5(CONCAT('{}', seq)), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-'))"
_SAMPLES = f"""
INSERT INTO samples (id, platform_product_id, creator_id, creation_time, last_modifier_id, last_modification_time,
    region, creator_key, observed_at, status, product_name, platform_creator_id, platform_creator_username,
    platform_creator_display_name, platform_campaign_name, content_summary)
SELECT {_ID.format("sample")}, CONCAT('17294', LPAD(MOD(seq, 500), 14, '0')), '', UTC_TIMESTAMP(3), '',
    UTC_TIMESTAMP(3), 'MX', CONCAT('74950', seq), UTC_TIMESTAMP(3), 'Shipped', 'Clay mask 100 g', CONCAT('74950', seq),
    CONCAT('lupita.', seq), CONCAT('Lupita ', seq), 'Holiday Sample', '[]' FROM seq_1_to_{{}}
"""  # noqa: S608 - our own words
_SCHEDULES = f"""
INSERT INTO sample_chatbot_schedules (id, sample_id, scenario, region, next_run_time, created_at, updated_at)
SELECT {_ID.format("schedule")}, {_ID.format("sample")}, '{Scenario.SHIPPED}', 'MX',
    UTC_TIMESTAMP(3) - INTERVAL 1 HOUR, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) FROM seq_1_to_{{}}
"""  # noqa: S608 - our own words
_LEFT = "SELECT COUNT(*) FROM sample_chatbot_schedules WHERE active"
_FIRST = """
SELECT last_run_time, COUNT(*) FROM sample_chatbot_schedules WHERE last_run_time IS NOT NULL
GROUP BY last_run_time ORDER BY last_run_time LIMIT 1
"""


def _by(processes: int) -> Measure:
    async def measure(stage: Stage, size: int, tell: Tell) -> Measured:
        async with stage.place() as place:
            await _due(place.sql, size)
            async with AsyncExitStack() as stack:
                running = [
                    await stack.enter_async_context(place.process(f"publishers-{number}", ("mesh", "publishers")))
                    for number in range(processes)
                ]
                await _none_left(place, running, size, tell)
                until = utc_now()
                facts = {"cpu_seconds": [_cpu(each) for each in running]}
            per_second, timed = await _rate(place, size, until)
            counted = int(await place.sql.value("SELECT COALESCE(SUM(run_count), 0) FROM sample_chatbot_schedules"))
            found = await said.account(place, CHATBOT_SAMPLE_BATCH, size)
        found += accounted(size, counted, min(counted, size))
        return crawl.measured(per_second, found, timed | facts)

    return measure


async def _due(sql: Sql, number: int) -> None:
    """Make that many samples that were shipped to as many creators, a reminder of each just due."""
    await sql.execute(_SAMPLES.format(number))
    await sql.execute(_SCHEDULES.format(number))
    await sql.execute("ANALYZE TABLE samples, sample_chatbot_schedules")


async def _none_left(place: Place, running: list[psutil.Process], size: int, tell: Tell) -> None:
    """Wait until every reminder was counted, or nothing goes on any more."""
    left, since = size, time.monotonic()
    while left:
        await asyncio.sleep(LOOK_SECONDS)
        found = int(await place.sql.value(_LEFT))
        if found < left:
            left, since = found, time.monotonic()
            tell(1 - left / size)
        elif not all(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in running):
            raise ServiceFailed(f"a publishers process ended; its log is in {place.folder}")
        elif time.monotonic() - since > crawl.STALLED_SECONDS:
            return


async def _rate(place: Place, size: int, until: datetime) -> tuple[float, dict[str, Any]]:
    """Return how many a second were counted after the first group, and in how many seconds.

    A group is counted with the time at which its confirms were in; what came before the first cannot be seen.
    """
    _, found = await place.sql.rows(_FIRST)
    if not found:
        return 0, {}
    ((first, of_first),) = found
    seconds = (until - first.replace(tzinfo=UTC)).total_seconds()
    return (size - of_first) / seconds, {"timed_reminders": size - of_first, "timed_seconds": round(seconds, 3)}


def _cpu(process: psutil.Process) -> float:
    cpu = process.cpu_times()
    return round(cpu.user + cpu.system, 2)


SCHEDULES = Benchmark(
    name="schedules",
    what="Due reminders published to the chatbot, until counted after their confirms, by one process and by three.",
    unit="reminders/s",
    variants=lambda: {ALONE: _by(1), THREE: _by(3)},
    size=100_000,
    sized_in="due reminders",
    targets=(Target(ALONE, at_least=10_000), Target(THREE, at_least=10_000)),
)
