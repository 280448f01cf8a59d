"""What the benchmarks of samples feed the mesh with, and how they see that it has been stored."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import orjson
import psutil
from aiormq.exceptions import ChannelNotFoundEntity

from brokers.link import Link
from brokers.outgoing import Outgoing
from brokers.publisher import Publisher
from brokers.topology import SAMPLES_INGEST
from mesh.bench.figures import Account, Measured, accounted
from mesh.bench.stage import Place

#: A run that stores nothing new for this long will not.
STALLED_SECONDS = 20.0

#: Often enough for a run of seconds. Counting takes time, and more of it the more there is to count: between the first
#: commit and the last few, looks are fewer.
LOOK_SECONDS = 0.05
SELDOM_SECONDS = 0.25
NEARLY_ALL = 0.9

_PUBLISHED_AT_ONCE = 1000

#: The smallest table with a row a message.
STORED = "SELECT COUNT(*) FROM inbox"

#: What the ids of creators begin with; the rest is a number.
CREATOR = "74950"

Tell = Callable[[float], None]


def row(number: int, *, has_content: bool = False, **fields: Any) -> dict[str, Any]:
    """Return a row as a crawler sends it, one creator's request for one product."""
    seen: dict[str, Any] = {
        "platformProductId": f"17294{number % 500:014d}",
        "platformCampaignId": "7563877506852587284",
        "platformCampaignName": "Holiday Sample",
        "productName": "Clay mask 100 g",
        "region": "MX",
        "status": "To review",
        "stock": "1,240",
        "postRate": "54%",
        "platformCreatorId": f"{CREATOR}{number:014d}",
        "platformCreatorUsername": f"lupita.{number}",
        "platformCreatorDisplayName": f"Lupita {number} 🌵",
    }
    if has_content:
        seen |= {
            "status": "Completed",
            "type": "video",
            "typeNumber": "1",
            "promotionName": "Mi rutina de noche",
            "promotionTime": "2026-01-09 18:22",
            "promotionViewCount": "15.4K",
            "promotionLikeCount": 912,
            "promotionCommentCount": 31,
            "promotionOrderCount": 4,
            "promotionOrderTotalAmount": "1,500.00",
            "adCode": ["7Hk2M"],
        }
    return seen | fields


async def publish(place: Place, bodies: Iterator[dict[str, Any]]) -> None:
    """Put messages into the queue of samples, every one confirmed."""
    await send(place, map(_outgoing, bodies))


async def send(place: Place, messages: Iterator[Outgoing]) -> None:
    """Publish messages, every one confirmed."""
    publisher = Publisher(Link(place.broker_url, "mesh bench publish"))
    try:
        while chunk := list(islice(messages, _PUBLISHED_AT_ONCE)):
            failures = [outcome for outcome in await publisher.publish_many(chunk) if outcome is not None]
            if failures:
                raise failures[0]
    finally:
        await publisher.close()


def _outgoing(body: dict[str, Any]) -> Outgoing:
    return Outgoing(exchange=SAMPLES_INGEST.exchange, key=SAMPLES_INGEST.name, body=orjson.dumps(body))


async def rate(
    place: Place, process: psutil.Process, messages: int, tell: Tell, query: str = STORED
) -> tuple[float, dict[str, Any]]:
    """Return how many a second `query` counts, from the first commit seen to the last, and what it cost the process.

    What was in the first commit is left out: when its work began cannot be seen. Waiting ends early where nothing
    goes on; what is missing then is for the account to tell.
    """
    looks = [(0, time.monotonic())]  # of changes only: how much was stored, and when that was seen
    while looks[-1][0] < messages:
        is_midway = 0 < looks[-1][0] < NEARLY_ALL * messages and len(looks) > 2  # noqa: PLR2004 - see below
        await asyncio.sleep(SELDOM_SECONDS if is_midway else LOOK_SECONDS)
        stored, now = int(await place.sql.value(query)), time.monotonic()
        if stored > looks[-1][0]:
            looks.append((stored, now))
            tell(stored / messages)
            continue
        place.must_run(process)
        if now - looks[-1][1] > STALLED_SECONDS:
            break
    (begun, since), (ended, until) = looks[1] if len(looks) > 2 else looks[0], looks[-1]  # noqa: PLR2004 - two commits
    timed, seconds = ended - begun, max(until - since, LOOK_SECONDS)
    return timed / seconds, {"timed_messages": timed, "timed_seconds": round(seconds, 3), **cost(process)}


def cost(*processes: psutil.Process) -> dict[str, Any]:
    """Return what processes and their children have taken together, start included."""
    family = [each for process in processes for each in (process, *process.children(recursive=True))]
    cpu = sum(sum(each.cpu_times()[:2]) for each in family)
    return {"cpu_seconds": round(cpu, 2), "rss_mb": round(sum(each.memory_info().rss for each in family) / 1e6, 1)}


async def waiting(place: Place, queue: str) -> int:
    """Return how many messages a queue holds that nobody has in hand: none where nobody has declared it."""
    link = Link(place.broker_url, "mesh bench counts")
    try:
        declared = await (await link.channel()).queue_declare(queue, passive=True)
    except ChannelNotFoundEntity:
        return 0
    else:
        return declared.message_count or 0
    finally:
        await link.close()


async def account(place: Place, *, rows: int, samples: int) -> Account:
    """Compare what was published with what the tables hold, once the worker has ended."""
    logs = "SELECT COUNT(*), COUNT(DISTINCT message_id, row_index) FROM sample_crawl_logs"
    _, ((present, distinct),) = await place.sql.rows(logs)
    stored = int(await place.sql.value("SELECT COUNT(*) FROM samples"))
    known = min(stored, samples)
    return accounted(rows, int(present), int(distinct)) + accounted(samples, stored, known)


def measured(per_second: float, found: Account, facts: dict[str, Any]) -> Measured:
    """Return a value beside its account."""
    return Measured(round(per_second, 1), found, facts)
